import AutogradCore
import AutogradFormats
import AutogradGraphs

/// `batch`: some inputs have a leading axis of examples, while the graph describes one example. The graph is built with
/// a placeholder for one example of each; at the end all sections are computed for the whole batch at once.
///
/// A class, because the readers of inputs, cotangents and directions all add to it.
final class ExampleBatch {
  private let names: NameTable
  let list: JSONValue
  /// Whether gradients of shared inputs are given per example instead of summed.
  let isPerExample: Bool
  /// The number of examples; nil before the first batched input.
  private(set) var size: Int?
  /// Placeholders, and the inputs of the plan that they stand for.
  private(set) var pairs: [(value: Value, batched: Value)] = []

  init(_ list: JSONValue, isPerExample: Bool) throws(FormatError) {
    guard list.kind == .array || list.kind == .numbers || list.kind == .string else {
      throw FormatError(.wrongType, "batch is a list of names of inputs, got \(list.describe)", at: "/batch")
    }
    if list.kind == .numbers { throw FormatError(.wrongType, "expected a name, got a number", at: "/batch/0") }
    if list.listedCount == 0 {
      throw FormatError(
        .missingMember, "batch is empty: name the inputs that carry examples, or leave it out", at: "/batch")
    }
    var names = NameTable()
    for (index, name) in list.listed.enumerated() {
      guard name.kind == .string else {
        throw FormatError(.wrongType, "expected a name, got \(name.describe)", at: "/batch" + list.place(of: index))
      }
      guard names.define(SourceName(name)) else {
        throw FormatError(.duplicateName, "\(name.brief) is listed twice", at: "/batch" + list.place(of: index))
      }
    }
    self.names = names
    self.list = list
    self.isPerExample = isPerExample
  }

  func contains(_ name: SourceName) -> Bool { names[name] != nil }

  /// The type of one example of a tensor with a leading axis.
  /// - Throws: `shape_mismatch` with the pointer "".
  func exampleType(_ type: TensorType, _ name: String) throws(FormatError) -> TensorType {
    guard type.shape.rank > 0 else {
      throw FormatError(.shapeMismatch, "\(name) is batched and needs a leading axis of examples, got a scalar", at: "")
    }
    if let size, size != type.shape[0] {
      throw FormatError(.shapeMismatch, "\(name) has \(type.shape[0]) examples, the batch has \(size)", at: "")
    }
    size = type.shape[0]
    return TensorType(type.dtype, Shape(type.shape.array.dropFirst()))
  }

  /// Declares the plan's input for a batched tensor.
  /// - Returns: the placeholder for one example.
  func input(_ type: TensorType, example: TensorType, _ builder: GraphBuilder) -> Value {
    let standIn = builder.placeholder(example)
    pairs.append((standIn, builder.input("", type.dtype, type.shape)))
    return standIn
  }

  /// - Throws: `unknown_name` for a name that is not an input.
  func check(_ inputs: [RequestGraph.Input]) throws(FormatError) {
    var known = NameTable()
    for input in inputs { _ = known.define(input.name) }
    for (index, name) in list.listed.enumerated() where known[SourceName(name)] == nil {
      throw FormatError(
        .unknownName, "\(name.brief) is not an input of the request\(known.hint(for: name.string))",
        at: "/batch" + list.place(of: index))
    }
  }

  /// The values for all examples, with the batch axis in front, or summed over it if `isSum`.
  /// - Parameter moved: maps values of the request's builder to values of this one.
  func run(
    _ values: [(value: Value, isSum: Bool)], _ builder: GraphBuilder, moved: (Value) -> Value = { $0 }
  ) -> [Value] {
    let pairs = pairs.map { (value: moved($0.value), batched: moved($0.batched)) }
    let stacks = builder.batched(values.map(\.value), size: size ?? 0, over: pairs)
    return zip(values, stacks).map { entry, stack in entry.isSum ? builder.sum(stack, over: AxisSet([0])) : stack }
  }
}
