import AutogradCore

/// A graph as somebody wrote it, in whatever language: flat columns of nodes, operands and results, with names that are
/// not resolved yet.
///
/// Readers make it, ``GraphAssembler`` reads it. Names are borrowed from what was written, which must outlive it.
/// Positions count from 0 through the whole source: nodes of functions stand behind those of the graph.
package struct GraphSource {
  /// The graph itself, then its functions.
  package var bodies: [Body] = []
  package var nodes: [Node] = []
  package var operands: [Operand] = []
  package var results: [SourceName] = []
  package var inputs: [InputDeclaration] = []
  package var constants: [(name: SourceName, tensor: Tensor)] = []
  package var outputs: [SourceName] = []
  /// Of the nodes that have some.
  package var attributes: [[String: AttributeValue]] = []
  /// What operands refer to.
  package var numbers: [WeakNumber] = []
  package var tensors: [Tensor] = []

  package init() {}

  /// A graph, or one of its functions.
  package struct Body {
    /// Of a function.
    package var name = SourceName(UnsafeRawBufferPointer(start: nil, count: 0))
    package var nodes = 0..<0
    package var results = 0..<0
    /// Of a graph that declares none, whoever assembles it gives them.
    package var inputs: Range<Int>?
    package var constants = 0..<0
    /// Nil: every result that no node takes.
    package var outputs: Range<Int>?

    package init() {}
  }

  package struct Node {
    package let operation: any Operation
    package let role: Role
    package let operands: Range<Int>
    package let results: Range<Int>
    /// Its place in ``GraphSource/attributes``.
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

  /// What the assembler does for a node beside applying its operation.
  package enum Role {
    case ordinary
    /// `grad`: its operands after the first are what is differentiated by.
    case gradient
    /// `call`: a function is put in its place.
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
    /// A number that takes the dtype of its company: its place in ``GraphSource/numbers``.
    case number(Int)
    case truth(Bool)
    /// A tensor with a dtype of its own: its place in ``GraphSource/tensors``.
    case tensor(Int)
    /// Numbers in lists, which take the dtype of their company: read by ``SourceText/tensor(_:as:)``.
    case literal(Int)
  }
}

/// A declared input, of which everything but the name may be left open.
package struct InputDeclaration {
  package var name: SourceName
  package var dtype: DType?
  package var shape: [Dimension]?

  package init(name: SourceName, dtype: DType? = nil, shape: [Dimension]? = nil) {
    self.name = name
    self.dtype = dtype
    self.shape = shape
  }

  package enum Dimension: CustomStringConvertible {
    case size(Int)
    case any
    /// The same size wherever it stands.
    case named(String)

    package var description: String {
      switch self {
      case .size(let size): "\(size)"
      case .any: "null"
      case .named(let name): name
      }
    }
  }

  /// Why a tensor of this shape is none that was declared; nil if it is one.
  /// - Parameter dimensions: the sizes that names of dimensions have so far.
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
  /// The inputs that the graph declares; nil if it leaves them to whoever gives them.
  package var declaredInputs: ArraySlice<InputDeclaration>? { bodies[0].inputs.map { inputs[$0] } }

  /// Whether the graph says which its outputs are.
  package var namesOutputs: Bool { bodies[0].outputs != nil }
}
