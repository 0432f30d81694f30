import AutogradTestSupport
import Testing

@testable import AutogradCore

/// Sums have one order whatever the layout, and lose little.
@Suite struct SumTests {
  /// Along rows, along columns, through a transpose, over axes that do not merge: the same terms give the same bits.
  @Test(arguments: [DType.float64, .float32], [(1, 1), (3, 16), (7, 100), (40, 33), (3, 5000), (65, 4097)])
  func rowsAndColumnsAgree(_ dtype: DType, _ size: (columns: Int, rows: Int)) throws {
    var random = SeededGenerator(seed: 5)
    let rows = Tensor.random(TensorType(dtype, [size.columns, size.rows]), using: &random)
    let builder = GraphBuilder()
    let byRow = builder.variable(rows)
    let copied = builder.variable(try byRow.transpose().evaluate())
    let expected = try byRow.sum(axis: 1).evaluate()
    #expect(Comparison.bits([try copied.sum(axis: 0).evaluate()], [expected]) == nil)
    #expect(Comparison.bits([try copied.transpose().sum(axis: 1).evaluate()], [expected]) == nil)
    #expect(Comparison.bits([try byRow.transpose().sum(axis: 0).evaluate()], [expected]) == nil)
    let backward = byRow.slice(starts: [nil, nil], ends: [nil, nil], steps: [-1, 1]).sum(axis: 1)
    #expect(
      Comparison.bits([try backward.slice(starts: [nil], ends: [nil], steps: [-1]).evaluate()], [expected]) == nil)
    let single = try (0..<size.columns).map { row in
      try byRow.slice(starts: [row], ends: [row + 1]).sum().evaluate().doubles[0]
    }
    #expect(single == expected.doubles)
  }

  /// Ten million float32: what rounds is the result, not the way there. Eager float32 addition would be wrong in the
  /// third digit.
  @Test func manyFloat32KeepTheirPrecision() throws {
    let count = 10_000_000
    let builder = GraphBuilder()
    let tenths = builder.variable(Tensor(repeating: Float(0.1), shape: [count]))
    let expected = Double(Float(0.1)) * Double(count)
    #expect(try tenths.sum().evaluate().values() == [Float(expected)])
    // The same through a layout that repeats one element.
    let repeated = builder.constant(Scalar(Float(0.1))).broadcast(to: [count])
    #expect(try repeated.sum().evaluate().values() == [Float(expected)])
  }

  /// Lanes and blocks keep float64 sums of n terms within about (n / 4096 + 270) roundings instead of n.
  @Test func manyFloat64KeepTheirPrecision() throws {
    let count = 1_000_000
    let builder = GraphBuilder()
    let sum = try builder.variable(Tensor(repeating: 0.1, shape: [count])).sum().evaluate().doubles[0]
    #expect(abs(sum - 1e5) < 1e5 * 1e-15 * 30)
  }

  /// A million rows of the same: the gradient that adds them up is rounded once.
  @Test func manyPicksOfOneElement() throws {
    let builder = GraphBuilder()
    let x = builder.variable(Tensor([Float(1)]))
    let indices = builder.constant(Scalar(Int64(0))).broadcast(to: [1_000_000])
    let y = (x.applying("take", indices) * 0.1).sum()
    #expect(try y.backward()[x].values() == [Float(Double(Float(0.1)) * 1e6)])
    #expect(try y.backward()[x].values() == [Float(100_000)])
    let table = builder.variable(Tensor([Float](repeating: 1, count: 6), shape: [3, 2]))
    let rows = builder.constant(Scalar(Int64(1))).broadcast(to: [300_000])
    let taken = (table.applying("take", rows) * 0.1).sum()
    let expected = Float(Double(Float(0.1)) * 3e5)
    #expect(try taken.backward()[table].values() == [0, 0, expected, expected, 0, 0])
  }

  /// A value used ten thousand times: its gradient is a sum of as many, added in double.
  @Test func manyUsesOfOneValue() throws {
    let builder = GraphBuilder()
    let x = builder.variable(Tensor([Float(1)]))
    var total = x * 0
    var expected = 0.0
    for index in 1...10_000 {
      let factor = Float(0.1) + Float(index) * 1e-6
      total = total + x * Double(factor)
      expected += Double(factor)
    }
    let gradient: [Float] = try total.sum().backward()[x].values() ?? []
    #expect(
      gradient.count == 1 && abs(gradient[0] - Float(expected)) <= Float(expected).ulp, "\(gradient) and \(expected)")
    // Derivatives of the gradient go through the wider sum.
    let square = (total * total).sum()
    let slope = builder.gradients(of: [(square, builder.ones(square.type))], withRespectTo: [x])[0] ?? x
    let second: [Float] = try slope.sum().backward()[x].values() ?? []
    #expect(second.count == 1 && abs(second[0] / Float(2 * expected * expected) - 1) < 1e-6)
  }

  @Test func integersWrap() throws {
    let builder = GraphBuilder()
    let wide = builder.variable(Tensor([Int64.max, 1, 5]))
    #expect(try wide.sum().evaluate().values() == [Int64.min + 5])
    let narrow = builder.variable(Tensor([Int32.max, 1]))
    #expect(try narrow.sum().evaluate().values() == [Int32.min])
    #expect(try (wide * wide).evaluate().values() == [1, 1, 25] as [Int64])
    #expect(try (-builder.variable(Tensor([Int32.min]))).evaluate().values() == [Int32.min])
    #expect(try builder.variable(Tensor([true, true, false])).sum().evaluate().values() == [Int64(2)])
  }

  @Test func theSumOfNothingIsZero() throws {
    let builder = GraphBuilder()
    let empty = builder.variable(Tensor([Double](), shape: [0, 3]))
    #expect(try empty.sum(axis: 0).evaluate().doubles == [0, 0, 0])
    #expect(try empty.sum().evaluate().doubles == [0])
    #expect(try empty.sum(axis: 1).evaluate().doubles == [])
    #expect(try empty.transpose().matmul(empty).evaluate().doubles == Array(repeating: 0, count: 9))
  }
}
