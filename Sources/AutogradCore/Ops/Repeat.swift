struct TileOperation: Operation {
  let reference = OperationReference(
    name: "tile",
    summary: "Copies of a tensor side by side.",
    formula: "y[i, j] = x[i mod n, j mod m]", operands: ["x"],
    attributes: [AttributeReference("repetitions", .integers, "how many copies along each axis")],
    dtypes: .any,
    shapeRule: "sizes of x times repetitions; the shorter of both gets leading 1s",
    derivative: "x: the sum of the copies' cotangents",
    conventions: ["0 copies make an empty tensor"],
    samples: [
      OperationSample([[2]], ["repetitions": .integers([3])]),
      OperationSample([[2, 3]], ["repetitions": .integers([2, 2])]),
      OperationSample([[2, 3]], ["repetitions": .integers([2])]),
      OperationSample([[2]], ["repetitions": .integers([2, 1, 2])]),
      OperationSample([[1, 2, 1, 2]], ["repetitions": .integers([2, 2, 3, 2])]),
      OperationSample([[]], ["repetitions": .integers([])]),
      OperationSample([[2]], ["repetitions": .integers([0])]),
    ])

  func build(_ call: OperationCall) throws(GraphError) -> [Value] {
    let given = call.integers("repetitions") ?? []
    if let negative = given.first(where: { $0 < 0 }) {
      throw call.invalid("repetitions", "a number of copies cannot be negative, got \(negative)")
    }
    let rank = try call.checkedRank(max(call.x.shape.rank, given.count))
    let repetitions = Array(repeating: 1, count: rank - given.count) + given
    let shape = Shape(repeating: 1, rank: rank - call.x.shape.rank).appending(call.x.shape)
    try call.checkSizes(shape.array, times: repetitions, "repetitions")
    var result = call.builder.reshape(call.x, to: shape)
    // Three at a time: each takes two axes of the eight that a tensor may have. From the last, so that the copies stay
    // small for long.
    var tiled = (0..<rank).filter { repetitions[$0] != 1 }
    while !tiled.isEmpty {
      result = copies(result, repetitions, along: Array(tiled.suffix(3)))
      tiled.removeLast(min(3, tiled.count))
    }
    return [result]
  }

  /// Stretches a new axis in front of each tiled one, and merges the two.
  private func copies(_ x: Value, _ repetitions: [Int], along axes: [Int]) -> Value {
    guard x.isValid else { return x }
    var (plain, stretched, tiled) = (Shape(), Shape(), x.shape)
    var start = 0
    for axis in axes {
      let before = x.shape.axes(start..<axis).elementCount
      plain.append(before)
      plain.append(1)
      stretched.append(before)
      stretched.append(repetitions[axis])
      tiled[axis] = x.shape[axis] * repetitions[axis]
      start = axis
    }
    let rest = x.shape.axes(start..<x.shape.rank).elementCount
    plain.append(rest)
    stretched.append(rest)
    let builder = x.builder
    return builder.reshape(builder.broadcast(builder.reshape(x, to: plain), to: stretched), to: tiled)
  }
}

struct RepeatOperation: Operation {
  let reference = OperationReference(
    name: "repeat",
    summary: "Each element several times in a row.",
    formula: "y[i] = x[⌊i / repeats⌋]", operands: ["x"],
    attributes: [
      AttributeReference("repeats", .integer, "how many times"),
      AttributeReference("axis", .integer, "the axis along which elements are repeated"),
    ],
    dtypes: .any,
    shapeRule: "that of x, the axis times repeats", derivative: "x: the sum of the repeated elements' cotangents",
    conventions: ["axis is required: nothing is flattened", "0 repeats make an empty tensor"],
    otherNames: ["repeat_interleave", "repeat_elements"],
    samples: [
      OperationSample([[3]], ["repeats": .integer(2), "axis": .integer(0)]),
      OperationSample([[2, 3]], ["repeats": .integer(3), "axis": .integer(-1)]),
      OperationSample([[2, 3, 2]], ["repeats": .integer(2), "axis": .integer(1)]),
      OperationSample([[2]], ["repeats": .integer(0), "axis": .integer(0)]),
      OperationSample([[2]], ["repeats": .integer(1), "axis": .integer(0)]),
    ])

  func build(_ call: OperationCall) throws(GraphError) -> [Value] {
    let shape = call.x.shape
    let axis = try call.axis(call.integer("axis") ?? 0, rank: shape.rank, of: "axis")
    let repeats = call.integer("repeats") ?? 1
    guard repeats >= 0 else { throw call.invalid("repeats", "repeats cannot be negative, got \(repeats)") }
    try call.checkSizes([shape[axis]], times: [repeats], "repeats")
    if repeats == 1 { return [call.x] }
    var repeated = shape
    repeated[axis] *= repeats
    let before = shape.axes(0..<(axis + 1)).elementCount
    let after = shape.axes((axis + 1)..<shape.rank).elementCount
    let column = call.builder.reshape(call.x, to: [before, 1, after])
    return [call.builder.reshape(call.builder.broadcast(column, to: [before, repeats, after]), to: repeated)]
  }
}

extension OperationCall {
  /// Refuses products of sizes and counts that no tensor may have, before anything multiplies them.
  func checkSizes(_ sizes: [Int], times counts: [Int], _ attribute: String) throws(GraphError) {
    do throws(GraphError) {
      // The counts are axes of their own on the way, also where another axis is empty.
      _ = try Shape(checking: counts)
      _ = try Shape(
        checking: zip(sizes, counts).map { size, count in
          let (product, overflow) = size.multipliedReportingOverflow(by: count)
          return overflow ? Int.max : product
        })
    } catch {
      throw error.with(place: .attribute(attribute))
    }
  }
}
