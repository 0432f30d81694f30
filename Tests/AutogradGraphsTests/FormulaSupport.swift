import AutogradCore
import AutogradFormats
import Testing

@testable import AutogradGraphs

/// A graph that was read and assembled, from a formula or from JSON.
struct ReadGraph {
  /// The nodes, with the gradients of all floating outputs.
  var text: String
  var outputs: [String]
  var inputs: [String]
  var values: [Tensor]

  /// - Parameter inputs: shapes by name; the data are 1, 2, 3, … divided by 4.
  init(formula: String, _ shapes: [(String, Shape)] = [], limits: GraphLimits = GraphLimits(nodes: 100_000)) throws {
    var formula = formula
    let (source, text) = try formula.withUTF8 { bytes in
      try FormulaReader.read(UnsafeRawBufferPointer(bytes), limits: limits)
    }
    try self.init(source, text, shapes, limits)
  }

  init(json: String, _ shapes: [(String, Shape)] = [], limits: GraphLimits = GraphLimits(nodes: 100_000)) throws {
    let buffer = ByteBuffer(json)
    let document = try JSONDocument(parsing: buffer.bytes)
    let (source, text) = try JSONGraphReader.read(document.root, of: document, limits: limits)
    try self.init(source, text, shapes, limits)
    withExtendedLifetime(buffer) {}
  }

  private init(_ source: GraphSource, _ text: any SourceText, _ shapes: [(String, Shape)], _ limits: GraphLimits) throws
  {
    let declared = source.declaredInputs.map { $0.map(\.name) } ?? source.order
    let names = declared.map(\.string) + shapes.map(\.0).filter { name in !declared.contains { $0.string == name } }
    let builder = limits.builder()
    let storage = names.map { ByteBuffer($0) }
    var given: [NamedValue] = []
    var tensors: [Tensor] = []
    for (name, bytes) in zip(names, storage) {
      guard let shape = shapes.first(where: { $0.0 == name })?.1 else { continue }
      given.append(NamedValue(name: SourceName(bytes.bytes), value: builder.input("", .float64, shape)))
      tensors.append(Tensor((0..<shape.elementCount).map { Double($0 + 1) / 4 }, shape: shape))
    }
    let assembler = GraphAssembler(source, text, into: builder, limits: limits)
    do {
      let outputs = try assembler.assemble(inputs: given)
      let floating = outputs.map(\.value).filter(\.dtype.isFloating)
      let seeds = floating.map { (value: $0, cotangent: builder.constant(Tensor(filling: 1, $0.type))) }
      let gradients = builder.gradients(of: seeds, withRespectTo: given.map(\.value)).compactMap { $0 }
      let graph = try builder.graph(outputs: outputs.map(\.value) + gradients)
      self.text = graph.description
      self.outputs = outputs.map(\.name.string)
      self.inputs = given.map(\.name.string)
      values = try Plan(graph).run(tensors + source.constants.map(\.tensor))
    } catch let error as GraphError {
      throw assembler.problem(error)
    }
    withExtendedLifetime(storage) {}
  }

  /// The first output's numbers.
  var numbers: [Double] { values[0].doubles }
}

extension Tensor {
  var doubles: [Double] {
    converted(to: .float64).withUnsafeBytes { Array($0.bindMemory(to: Double.self)) }
  }

  init(filling value: Double, _ type: TensorType) {
    self = Tensor(Array(repeating: value, count: type.elementCount), shape: type.shape).converted(to: type.dtype)
  }
}

/// The error of a formula that is refused.
func refusal(of formula: String, _ shapes: [(String, Shape)] = []) -> FormatError? {
  do {
    _ = try ReadGraph(formula: formula, shapes)
    return nil
  } catch {
    return error as? FormatError
  }
}
