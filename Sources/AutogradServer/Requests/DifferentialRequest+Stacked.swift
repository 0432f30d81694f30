import AutogradCore
import AutogradFormats
import AutogradGraphs

/// `stacked`: first or second derivatives as one matrix, for solvers of linear systems. Elements of a tensor are in
/// row-major order. In a batch each example has its own matrix.
extension DifferentialRequest {
  /// `jacobian` [m, n] has a row for each element of the differentiated values, and a column for each element of the
  /// inputs. `rows` and `columns` say which tensor each belongs to.
  func stackedJacobian(_ rows: [NamedValue], _ columns: [NamedValue], _ blocks: [[Value]]) -> [Section] {
    [
      Section(name: "jacobian", content: .tensor(stacked(blocks, rows, columns))),
      Section(name: "rows", content: .json(DifferentialRequest.extents(rows))),
      Section(name: "columns", content: .json(DifferentialRequest.extents(columns))),
    ]
  }

  /// `gradient` [n] and `hessian` [n, n]; `rows` says which tensor each row and column belongs to.
  func stackedHessian(_ gradients: [NamedValue], _ blocks: [[Value]]) -> [Section] {
    let gradient = joined(gradients.map { $0.value.reshape([$0.value.shape.elementCount]) }, along: 0, or: [0])
    return [
      Section(name: "gradient", content: .tensor(gradient)),
      Section(name: "hessian", content: .tensor(stacked(blocks, gradients, gradients))),
      Section(name: "rows", content: .json(DifferentialRequest.extents(gradients))),
    ]
  }

  private func stacked(_ blocks: [[Value]], _ rows: [NamedValue], _ columns: [NamedValue]) -> Value {
    let width = DifferentialRequest.elementCount(columns)
    let bands = zip(rows, blocks).map { row, blocks in
      let height = row.value.shape.elementCount
      return joined(
        zip(columns, blocks).map { column, block in block.reshape([height, column.value.shape.elementCount]) },
        along: 1, or: [height, 0])
    }
    return joined(bands, along: 0, or: [0, width])
  }

  /// Concatenates the blocks, in the widest of their dtypes. Without blocks the result is an empty tensor of that
  /// shape.
  private func joined(_ blocks: [Value], along axis: Int, or shape: Shape) -> Value {
    let dtype: DType = blocks.contains { $0.dtype == .float64 } || blocks.isEmpty ? .float64 : .float32
    if blocks.isEmpty { return graph.builder.zeros(TensorType(dtype, shape)) }
    return graph.builder.concat(blocks.map { $0.dtype == dtype ? $0 : $0.cast(to: dtype) }, axis: axis)
  }

  private static func elementCount(_ named: [NamedValue]) -> Int {
    named.reduce(0) { Size.sum($0, $1.value.shape.elementCount) }
  }

  /// `[{"name": "w", "shape": [2, 3], "start": 0}, …]`: where the elements of each tensor begin.
  private static func extents(_ named: [NamedValue]) -> String {
    let json = ByteBuffer()
    var start = 0
    json.append("[")
    for (index, entry) in named.enumerated() {
      json.append(index > 0 ? ", {\"name\": " : "{\"name\": ")
      json.appendJSONString(entry.name.bytes)
      json.append(", \"shape\": \(entry.value.shape), \"start\": \(start)}")
      start = Size.sum(start, entry.value.shape.elementCount)
    }
    json.append("]")
    return json.string
  }

  /// A matrix can hold second derivatives for each example, or their sums over the examples, but not both.
  /// - Throws: `wrong_type` at `/stacked`.
  static func checkStacked(_ batch: ExampleBatch?, _ targets: [NamedValue], _ endpoint: Endpoint)
    throws(FormatError)
  {
    guard endpoint == .hessian, let batch, !batch.isPerExample,
      let batched = targets.first(where: { batch.contains($0.name) }),
      let shared = targets.first(where: { !batch.contains($0.name) })
    else { return }
    throw FormatError(
      .wrongType,
      "\(batched.name.string) has a Hessian for each example, \(shared.name.string) one for their sum: these cannot be "
        + "stacked; add \"per_example\": true, or choose with wrt", at: "/stacked")
  }
}
