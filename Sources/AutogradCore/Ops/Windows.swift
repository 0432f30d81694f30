/// `unfold`: windows that slide along an axis. They are picked by a matrix of indices, so that its transpose adds up
/// what overlaps in the order of the windows.
struct UnfoldOperation: Operation {
  let reference = OperationReference(
    name: "unfold",
    summary: "Windows of a size that slide along an axis, as a new last axis.",
    formula: "y[…, i, …, j] = x[…, i step + j, …]", operands: ["x"],
    attributes: [
      AttributeReference("size", .integer, "how many elements a window has"),
      AttributeReference("step", .integer, default: "1", "how far a window starts behind the one before"),
      AttributeReference("axis", .integer, default: "-1", "the axis to slide along"),
    ],
    dtypes: .any,
    shapeRule: "that of x with ⌊(n - size) / step⌋ + 1 windows along the axis, and size as a new last axis",
    derivative: "x: for each element the sum of ct over the windows that it is in",
    conventions: ["what is left behind the last whole window is in none", "sums run in the order of the windows"],
    otherNames: ["sliding_window_view", "sliding_window", "frame", "im2col", "as_strided"],
    samples: [
      OperationSample([[5]], ["size": .integer(3)]),
      OperationSample([[2, 6]], ["size": .integer(2), "step": .integer(3)]),
      OperationSample([[4, 2]], ["size": .integer(2), "axis": .integer(0)]),
      OperationSample([[3]], ["size": .integer(3), "step": .integer(9)]),
    ])

  func build(_ call: OperationCall) throws(GraphError) -> [Value] {
    let (builder, shape) = (call.builder, call.x.shape)
    let axis = try call.axis(call.integer("axis") ?? -1, rank: shape.rank, of: "axis")
    _ = try call.checkedRank(shape.rank + 1)
    let (size, step) = (call.integer("size") ?? 0, call.integer("step") ?? 1)
    guard size >= 1, size <= shape[axis] else {
      throw call.invalid(
        "size", "a window has 1 to \(shape[axis]) elements, the size of axis \(axis) of {0}, got \(size)")
    }
    guard step >= 1 else { throw call.invalid("step", "a step is at least 1, got \(step)") }
    let count = (shape[axis] - size) / step + 1
    var windows = shape
    windows[axis] = count
    do throws(GraphError) {
      try builder.checkLimits(try Shape(checking: windows.array + [size]))
    } catch {
      throw error.with(place: .attribute("size"))
    }
    guard call.x.isValid else { return [call.x] }
    let starts = builder.emit(
      .mul, builder.indexVector(count), builder.broadcast(builder.constant(Scalar(Int64(step))), to: [count]))
    let matrix: Shape = [count, size]
    let indices = builder.emit(
      .add, builder.broadcast(builder.reshape(starts, to: [count, 1]), to: matrix),
      builder.broadcast(builder.indexVector(size), to: matrix))
    let picked = builder.emit(.gather, [call.x, indices], .along(axis: axis, size: shape[axis]))[0]
    // The places within the windows, next to the windows themselves, go last.
    let order = Array(0...axis) + Array((axis + 2)..<(shape.rank + 1)) + [axis + 1]
    return [builder.transpose(picked, Shape(order))]
  }
}
