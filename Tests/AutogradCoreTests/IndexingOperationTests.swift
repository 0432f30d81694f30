import AutogradTestSupport
import Foundation
import Testing

@testable import AutogradCore

/// Conventions of operations that put elements at indices, and of scans: each is a sentence of the reference.
@Suite struct IndexingOperationTests {
  private let infinity = Double.infinity

  @Test func scatterKeepsTheLast() throws {
    let run = try OperationRunner("scatter", [[1, 2, 3], Tensor([Int64(2), 0, 2, -3]), [10, 20, 30, 40]])
    #expect(try run.values() == [40, 2, 30])
    #expect(try run.gradient(0, cotangent: [5, 6, 7]) == [0, 6, 0])
    #expect(try run.gradient(2, cotangent: [5, 6, 7]) == [0, 0, 7, 5])
    #expect(try run.tangent(2) == [1, 0, 1])
  }

  /// A NaN that was replaced is nowhere, and has no part in gradients.
  @Test func scatterReplacesNaN() throws {
    let run = try OperationRunner("scatter", [Tensor([.nan, 1]), Tensor([Int64(0), 0]), Tensor([.nan, 2])])
    #expect(try run.values() == [2, 1])
    #expect(try run.gradient(0) == [0, 1] && run.gradient(2) == [0, 1])
  }

  @Test func scatterAddAddsUp() throws {
    let run = try OperationRunner("scatter_add", [[1, 2, 3], Tensor([Int64(2), 0, 2]), [10, 20, 30]])
    #expect(try run.values() == [21, 2, 43])
    #expect(try run.gradient(2, cotangent: [5, 6, 7]) == [7, 5, 7])
    let rows = try OperationRunner("index_add", [[[1, 2], [3, 4]], Tensor([Int64(1), 1]), [[1, 1], [2, 3]]])
    #expect(try rows.values() == [1, 2, 6, 8])
  }

  @Test func segments() throws {
    let ids = Tensor([Int64(0), 0, 2, 2, 2])
    let sum = try OperationRunner("segment_sum", [[1, 2, 3, 4, 5], ids], ["num_segments": .integer(4)])
    #expect(try sum.values() == [3, 0, 12, 0])
    let max = try OperationRunner("segment_max", [[2, 2, 3, 5, 5], ids], ["num_segments": .integer(4)])
    #expect(try max.values() == [2, -infinity, 5, -infinity])
    #expect(try max.gradient(cotangent: [1, 100, 3, 100]) == [0.5, 0.5, 0, 1.5, 1.5])
    #expect(try max.tangent() == [1, 0, 1, 0])
    let spoilt = try OperationRunner(
      "segment_max", [Tensor([1, .nan, 3, 4, 5]), ids], ["num_segments": .integer(3)])
    #expect(agree(try spoilt.values(), [.nan, -infinity, 5]))
    #expect(agree(try spoilt.gradient(), [.nan, .nan, 0, 0, 1]))
    let infinite = try OperationRunner(
      "segment_max", [Tensor([-infinity, -infinity, infinity, 4, 5]), ids], ["num_segments": .integer(3)])
    #expect(agree(try infinite.values(), [-infinity, -infinity, infinity]))
    #expect(try infinite.gradient() == [0.5, 0.5, 1, 0, 0])
    #expect(try infinite.tangent() == [1, 0, 1])
  }

  @Test func indicesOutOfRange() throws {
    for (name, index, attributes) in [
      ("scatter", 2, [:]), ("scatter", -3, [:]), ("segment_max", 2, ["num_segments": AttributeValue.integer(2)]),
    ] as [(String, Int64, [String: AttributeValue])] {
      let indices = Tensor([0, index])
      let run = try OperationRunner(
        name, name == "scatter" ? [[1, 2], indices, [3, 4]] : [[1, 2], indices], attributes)
      let error = #expect(throws: GraphError.self) { try run.values() }
      #expect(error?.code == .indexOutOfRange && error?.place == .operand(1))
      #expect(error?.description.hasPrefix("\(name): operand 1 holds the index \(index), out of range") == true)
      let graph = try run.builder.graph(outputs: run.results)
      let inputs = try run.variables.map { try $0.evaluate() }
      let interpreted = #expect(throws: GraphError.self) { try Interpreter.run(graph, inputs) }
      #expect(interpreted?.description == error?.description)
    }
  }

  /// Long indices go through the kernel in pieces.
  @Test func manyIndices() throws {
    let count = 200_000
    let indices = Tensor((0..<count).map { Int64($0 % 7) })
    let numbers = Tensor((0..<count).map { Double($0) })
    let last = try OperationRunner("scatter", [Tensor.zeros(TensorType(.float64, [7])), indices, numbers])
    #expect(try last.values() == (0..<7).map { Double((count - 1 - $0) / 7 * 7 + $0) })
    let most = try OperationRunner("segment_max", [numbers, indices], ["num_segments": .integer(7)])
    #expect(try most.values() == last.values())
    let row = try OperationRunner(
      "segment_max", [numbers.reshaped(to: [2, count / 2]), Tensor([Int64(1), 1])], ["num_segments": .integer(2)])
    #expect(try Array(row.values().suffix(count / 2)) == Array(numbers.doubles.suffix(count / 2)))
  }

  @Test func runningExtrema() throws {
    let axis = ["axis": AttributeValue.integer(0)]
    let largest = try OperationRunner("cummax", [[2, 1, 2, 3, 3, 0]], axis)
    #expect(try largest.values() == [2, 2, 2, 3, 3, 3])
    #expect(try largest.gradient() == [2, 0, 1, 1, 2, 0])
    #expect(try OperationRunner("cummin", [[2, 1, 2, 1, 0, 0]], axis).gradient() == [1, 2, 0, 1, 1, 1])
    let spoilt = try OperationRunner("cummax", [Tensor([1, .nan, 5, .nan])], axis)
    #expect(agree(try spoilt.values(), [1, .nan, .nan, .nan]))
    let least = try OperationRunner("cummin", [Tensor([1, .nan, -infinity])], axis)
    #expect(agree(try least.values(), [1, .nan, .nan]))
  }

  // MARK: logcumsumexp; expected values from mpmath at 60 digits

  private let first = ["axis": AttributeValue.integer(0)]

  @Test(
    arguments: [
      ([0, -40, -40], [0, 4.248354255291589e-18, 8.496708510583178e-18]),
      ([-10, 0, -40], [-10, 4.539889921686465e-05, 4.5398899216868895e-05]),
      ([-700.5, 0.25, 700, 699.5, -5], [-700.5, 0.25, 700, 700.4740769841801, 700.4740769841801]),
      ([1e300, -1e300, 1e300], [1e300, 1e300, 1e300]),
      ([-0.5, -1.5, -2.5, 0.75], [-0.5, -0.18673831248177716, -0.0923940355556197, 1.1081486180251228]),
    ] as [([Double], [Double])])
  func logCumulativeSums(_ x: [Double], _ y: [Double]) throws {
    let values = try OperationRunner("logcumsumexp", [Tensor(x)], first).values()
    #expect(agree(values, y), "\(values)")
    let narrow = try OperationRunner("logcumsumexp", [Tensor(x.map { Float(max(min($0, 1e38), -1e38)) })], first)
    #expect(agree(try narrow.values(), y.map { max(min($0, 1e38), -1e38) }, within: 1e-7))
  }

  /// Nothing adds up over a long line, rising or level.
  @Test func longLogCumulativeSums() throws {
    let level = try OperationRunner("logcumsumexp", [Tensor.zeros(TensorType(.float64, [100_000]))], first).values()
    #expect(agree(level, (1...100_000).map { log(Double($0)) }, within: 3e-16))
    let rising = try OperationRunner("logcumsumexp", [Tensor((0..<20_000).map { Double($0) * 1e-3 })], first).values()
    #expect(agree([rising[19_999]], [26.90725523525432]))
  }

  /// Weights of softmax over each beginning, wherever the elements lie, and their derivatives to the third order.
  @Test func logCumulativeSumGradients() throws {
    let run = try OperationRunner("logcumsumexp", [[-700, 0, 700, 700]], first)
    #expect(agree(try run.gradient(), [1, 1, 1.5, 0.5], within: 1e-13))
    let x = run.variables[0]
    let slope = run.results[0].gradient(withRespectTo: x, cotangent: run.builder.constant([1, 2, 3, 4]))
    let second = (slope * slope).gradient(withRespectTo: x)
    #expect(try second.evaluate().doubles.allSatisfy(\.isFinite))
    #expect(try (second * second).gradient(withRespectTo: x).evaluate().doubles.allSatisfy(\.isFinite))
    let empty = try OperationRunner("logcumsumexp", [Tensor([-infinity, -infinity, 0, -infinity, 1])], first)
    #expect(agree(try empty.values(), [-infinity, -infinity, 0, 0, 1.3132616875182228]))
    #expect(agree(try empty.gradient(), [0, 0, 2.2689414213699951, 0, 0.7310585786300049], within: 1e-15))
    let infinite = try OperationRunner("logcumsumexp", [Tensor([0, infinity, 3])], first)
    #expect(agree(try infinite.values(), [0, infinity, infinity]))
    #expect(agree(try infinite.gradient(), [1, .nan, 0]))
    let spoilt = try OperationRunner("logcumsumexp", [Tensor([0, .nan, 3])], first)
    #expect(agree(try spoilt.values(), [0, .nan, .nan]))
    #expect(try spoilt.gradient().allSatisfy(\.isNaN))
  }

  @Test func windowsOverlap() throws {
    let run = try OperationRunner("unfold", [[1, 2, 3, 4, 5]], ["size": .integer(3), "step": .integer(2)])
    #expect(run.results[0].shape == [2, 3])
    #expect(try run.values() == [1, 2, 3, 3, 4, 5])
    #expect(try run.gradient(cotangent: [1, 2, 3, 40, 50, 60]) == [1, 2, 43, 50, 60])
  }
}
