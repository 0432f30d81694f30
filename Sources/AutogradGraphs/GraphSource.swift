import AutogradCore

/// A graph as it was written, in any format: flat columns of nodes, operands and results, with unresolved names.
///
/// Readers make it, ``GraphAssembler`` reads it. Names are borrowed from the text, which must outlive it. Positions
/// count from 0 through the whole source: nodes of functions follow those of the graph.
package struct GraphSource {
  /// The graph itself, then its functions.
  package var bodies: [Body] = []
  package var nodes: [Node] = []
  package var operands: [Operand] = []
  package var results: [SourceName] = []
  package var inputs: [InputDeclaration] = []
  package var constants: [(name: SourceName, tensor: Tensor)] = []
  package var outputs: [SourceName] = []
  /// Attributes of the nodes that have any.
  package var attributes: [[String: AttributeValue]] = []
  /// The numbers that operands refer to.
  package var numbers: [WeakNumber] = []
  package var tensors: [Tensor] = []
  /// Constants whose dtype was written, so that it is written again. The others take the default.
  package var typedConstants: Set<Int> = []
  /// The same of attributes that are tensors: indices in ``attributes``.
  package var typedAttributes: Set<Int> = []
  /// The order of the graph's inputs if it declares none: others come behind them. Formulas take it from their text.
  package var order: [SourceName] = []
  /// Whether the constants belong to the text that determines the plan; else requests with other constants share it.
  package var hasFixedConstants = false

  package init() {}

  /// A graph, or one of its functions.
  package struct Body {
    /// The function's name; empty for the graph.
    package var name = SourceName(UnsafeRawBufferPointer(start: nil, count: 0))
    package var nodes = 0..<0
    package var results = 0..<0
    /// Nil if the graph declares none; then the caller of the assembler supplies them.
    package var inputs: Range<Int>?
    package var constants = 0..<0
    /// Nil: every result that no node uses.
    package var outputs: Range<Int>?

    package init() {}
  }

  package struct Node {
    package let operation: any Operation
    package let role: Role
    package let operands: Range<Int>
    package let results: Range<Int>
    /// Its index in ``GraphSource/attributes``.
    package let attributes: Int?

    package init(
      _ operation: any Operation, operands: Range<Int>, results: Range<Int>, attributes: Int? = nil
    ) {
      self.operation = operation
      role = Role(operation.reference)
      self.operands = operands
      self.results = results
      self.attributes = attributes
    }
  }

  /// What the assembler does for a node besides applying its operation.
  package enum Role {
    case ordinary
    /// `grad`: its operands after the first are the targets of derivatives.
    case gradient
    /// `call`: it is replaced by a function.
    case call

    init(_ reference: OperationReference) {
      switch reference.name {
      case "grad": self = .gradient
      case CallOperation.name: self = .call
      default: self = .ordinary
      }
    }
  }

  package enum Operand {
    case name(SourceName)
    /// A number that takes the dtype of the other operands: its index in ``GraphSource/numbers``.
    case number(Int)
    case truth(Bool)
    /// A tensor with its own dtype: its index in ``GraphSource/tensors``.
    case tensor(Int)
    /// Numbers in lists, which take the dtype of the other operands: read by ``SourceText/tensor(_:as:)``.
    case literal(Int)
  }
}

/// A declared input. Everything except the name may be left open.
package struct InputDeclaration {
  package var name: SourceName
  package var dtype: DType?
  package var shape: [Dimension]?
  /// The tensor that is used if a request leaves the input out.
  package var fallback: Tensor?

  package init(name: SourceName, dtype: DType? = nil, shape: [Dimension]? = nil, fallback: Tensor? = nil) {
    self.name = name
    self.dtype = dtype
    self.shape = shape
    self.fallback = fallback
  }

  package enum Dimension: CustomStringConvertible {
    case size(Int)
    case any
    /// A named size, the same everywhere.
    case named(String)

    package var description: String {
      switch self {
      case .size(let size): "\(size)"
      case .any: "null"
      case .named(let name): name
      }
    }
  }

  /// Why the default does not match the declared shape; nil if it does.
  package var refusalOfFallback: String? {
    var dimensions: [String: Int] = [:]
    return fallback.flatMap { refusal(of: $0.shape, &dimensions) }
  }

  /// Why a tensor of this shape does not match the declaration; nil if it does.
  /// - Parameter dimensions: the sizes of named dimensions so far.
  package func refusal(of given: Shape, _ dimensions: inout [String: Int]) -> String? {
    guard let shape else { return nil }
    let fits =
      shape.count == given.rank
      && shape.indices.allSatisfy { axis in
        if case .size(let size) = shape[axis] { size == given[axis] } else { true }
      }
    guard fits else {
      let text = "[" + shape.map(\.description).joined(separator: ", ") + "]"
      return "\(name.string) is declared with shape \(text), got \(given)"
    }
    for (axis, dimension) in shape.enumerated() {
      guard case .named(let symbol) = dimension else { continue }
      if let expected = dimensions[symbol], expected != given[axis] {
        return "the dimension \(symbol) is \(expected) elsewhere and \(given[axis]) in \(name.string), which has shape "
          + "\(given)"
      }
      dimensions[symbol] = given[axis]
    }
    return nil
  }
}

extension GraphSource {
  /// The inputs that the graph declares; nil if it declares none.
  package var declaredInputs: ArraySlice<InputDeclaration>? { bodies[0].inputs.map { inputs[$0] } }

  /// Whether the graph names its outputs.
  package var namesOutputs: Bool { bodies[0].outputs != nil }
}
