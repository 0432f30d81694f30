import Testing

@testable import AutogradCore

/// `slice` against Python's rules, written down a second time and otherwise.
@Suite struct SliceTests {
  /// What `x[start:stop:step]` reads: walk from the clamped start until the stop is reached or the tensor left.
  private func indices(_ start: Int?, _ stop: Int?, _ step: Int, size: Int) -> [Int] {
    func counted(_ index: Int) -> Int { index < 0 ? index.addingReportingOverflow(size).partialValue : index }
    let lowest = step > 0 ? 0 : -1
    let highest = step > 0 ? size : size - 1
    var index = min(max(start.map(counted) ?? (step > 0 ? 0 : size - 1), lowest), highest)
    let end = stop.map(counted) ?? (step > 0 ? size : -1)
    var found: [Int] = []
    while index >= 0, index < size, step > 0 ? index < end : index > end {
      found.append(index)
      let (next, overflow) = index.addingReportingOverflow(step)
      if overflow { break }
      index = next
    }
    return found
  }

  @Test(arguments: 0...4) func everySlice(_ size: Int) throws {
    let bounds = [nil, Int.min, Int.min + 1, Int.max] + (-6...6).map(Optional.some)
    let x = Tensor((0..<size).map(Double.init))
    for step in [1, 2, 3, -1, -2, -3, .min, .max] {
      let builder = GraphBuilder()
      let input = builder.input("x", .float64, [size])
      var expected: [[Double]] = []
      var values: [Value] = []
      for start in bounds {
        for stop in bounds {
          values.append(input.slice(starts: [start], ends: [stop], steps: [step]))
          expected.append(indices(start, stop, step, size: size).map(Double.init))
        }
      }
      let results = try Plan(builder.graph(outputs: values)).run([x])
      #expect(results.map(\.doubles) == expected, "size \(size), step \(step)")
    }
  }

  @Test func axesAreCutEachByItself() throws {
    let builder = GraphBuilder()
    let x = builder.variable(Tensor((0..<24).map(Double.init), shape: [2, 3, 4]))
    #expect(
      try x.slice(starts: [1], ends: [2]).evaluate() == [[[12, 13, 14, 15], [16, 17, 18, 19], [20, 21, 22, 23]]])
    #expect(try x.slice(starts: [-1, nil], ends: [nil, 1], axes: [-1, 0]).evaluate() == [[[3], [7], [11]]])
    #expect(
      try x.slice(starts: [nil, 2], ends: [nil, nil], axes: [2, 1], steps: [-3, 1]).evaluate() == [
        [[11, 8]], [[23, 20]],
      ])
    #expect(x.slice(starts: [], ends: []) == x)
  }
}
