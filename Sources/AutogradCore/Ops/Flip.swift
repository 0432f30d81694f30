struct FlipOperation: Operation {
  let reference = OperationReference(
    name: "flip",
    summary: "Reverses the order of the elements along axes.",
    formula: "y[i] = x[n - 1 - i]", operands: ["x"],
    attributes: [
      AttributeReference("axis", .integerOrList, default: "null", "the axes to reverse; null means all, [] none")
    ],
    dtypes: .any,
    shapeRule: "that of x", derivative: "x: ct reversed along the same axes",
    otherNames: ["reverse", "rev", "fliplr", "flipud"],
    samples: [
      OperationSample([[2, 3]]), OperationSample([[2, 3]], ["axis": .integer(-1)]),
      OperationSample([[2, 3, 2]], ["axis": .integers([0, 2])]), OperationSample([[]]),
      OperationSample([[3]], ["axis": .integers([])]),
    ])

  func build(_ call: OperationCall) throws(GraphError) -> [Value] {
    let shape = call.x.shape
    var window = Window(whole: shape)
    for axis in try call.reducedAxes(rank: shape.rank).array where shape[axis] > 1 {
      window.starts[axis] = shape[axis] - 1
      window.steps[axis] = -1
    }
    return [call.builder.slice(call.x, window)]
  }
}

struct RollOperation: Operation {
  let reference = OperationReference(
    name: "roll",
    summary: "Moves the elements along axes; those that leave at one end come in at the other.",
    formula: "y[i] = x[(i - shift) mod n]", operands: ["x"],
    attributes: [
      AttributeReference(
        "shift", .integerOrList, "how far, backwards where negative; a list gives one shift for each axis"),
      AttributeReference(
        "axis", .integerOrList, default: "null", "the axes to move along; null rolls the flattened tensor"),
    ],
    dtypes: .any,
    shapeRule: "that of x", derivative: "x: ct rolled by -shift",
    conventions: ["one shift serves all axes that are named", "a list of shifts needs a list of as many axes"],
    otherNames: ["circshift", "rotate", "shift"],
    samples: [
      OperationSample([[5]], ["shift": .integer(2)]), OperationSample([[2, 3]], ["shift": .integer(-1)]),
      OperationSample([[2, 3]], ["shift": .integer(1), "axis": .integer(-1)]),
      OperationSample([[3, 4]], ["shift": .integers([1, -6]), "axis": .integers([0, 1])]),
      OperationSample([[2, 3]], ["shift": .integer(1), "axis": .integers([1, 0])]),
      OperationSample([[]], ["shift": .integer(3)]),
    ])

  func build(_ call: OperationCall) throws(GraphError) -> [Value] {
    let (x, shape) = (call.x, call.x.shape)
    let shifts = call.integers("shift") ?? []
    guard let given = call.integers("axis") else {
      guard case .integer(let shift)? = call.attributes["shift"] else {
        throw call.invalid("shift", "a list of shifts needs a list of as many axes, got no axis")
      }
      let flat = call.builder.reshape(x, to: [shape.elementCount])
      return [call.builder.reshape(rolled(flat, by: shift, along: 0), to: shape)]
    }
    let axes = try call.axes(given, rank: shape.rank, of: "axis")
    var isShared = false
    if case .integer? = call.attributes["shift"] { isShared = true }
    guard isShared || shifts.count == axes.count else {
      throw call.invalid("shift", "shift has \(shifts.count) entries, axis has \(axes.count): they go together")
    }
    var result = x
    for (index, axis) in axes.enumerated() {
      result = rolled(result, by: isShared ? shifts[0] : shifts[index], along: axis)
    }
    return [result]
  }

  /// The end, then the rest.
  private func rolled(_ x: Value, by shift: Int, along axis: Int) -> Value {
    let size = x.shape[axis]
    guard size > 1 else { return x }
    let remainder = shift % size
    let tail = remainder < 0 ? remainder + size : remainder
    guard tail > 0 else { return x }
    let parts = x.builder.split(x, sizes: [size - tail, tail], axis: axis)
    guard parts.count == 2 else { return x }
    return x.builder.concat([parts[1], parts[0]], axis: axis)
  }
}

extension Window {
  /// The window that shows everything.
  init(whole: Shape) {
    self.init(
      starts: Shape(repeating: 0, rank: whole.rank), steps: Shape(repeating: 1, rank: whole.rank), sizes: whole,
      whole: whole)
  }
}

extension GraphBuilder {
  /// - Precondition: the window lies in a tensor of the value's shape.
  func slice(_ value: Value, _ window: Window) -> Value {
    window == Window(whole: window.whole) ? value : emit(.slice, value, .window(window))
  }
}
