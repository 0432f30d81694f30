import AutogradTestSupport
import Testing

@testable import AutogradCore

/// Conventions of order statistics, products and integrals: each is a sentence of the reference.
@Suite struct OrderStatisticsTests {
  private let infinity = Double.infinity
  private let greatest = Double.greatestFiniteMagnitude
  private let least = Double.leastNonzeroMagnitude

  @Test func topK() throws {
    let run = try OperationRunner("top_k", [[3, 5, 3, 5, 1]], ["k": .integer(4)], results: 2)
    #expect(try run.values() == [5, 5, 3, 3])
    #expect(try run.values(1) == [1, 3, 0, 2])
    #expect(try run.gradient(cotangent: [1, 2, 3, 4]) == [3, 1, 4, 2, 0])
    let spoilt = try OperationRunner("top_k", [Tensor([1, .nan, infinity, .nan])], ["k": .integer(3)], results: 2)
    #expect(agree(try spoilt.values(), [.nan, .nan, infinity]))
    #expect(try spoilt.values(1) == [1, 3, 2])
    let integers = try OperationRunner("top_k", [Tensor([Int32.min, 7, Int32.max])], ["k": .integer(3)], results: 2)
    #expect(try integers.values(1) == [2, 1, 0])
  }

  @Test func kthValue() throws {
    let run = try OperationRunner("kthvalue", [[4, 2, 4, 2]], ["k": .integer(2)], results: 2)
    #expect(try run.values() == [2] && run.values(1) == [3])
    #expect(try run.gradient() == [0, 0, 0, 1])
    let spoilt = try OperationRunner("kthvalue", [Tensor([.nan, 2])], ["k": .integer(2)], results: 2)
    #expect(agree(try spoilt.values(), [.nan]))
  }

  private func median(_ x: [Double]) throws -> OperationRunner { try OperationRunner("median", [Tensor(x)]) }

  @Test func medians() throws {
    #expect(try median([3, 1, 2]).values() == [2] && median([3, 1, 2]).gradient() == [0, 0, 1])
    #expect(try median([4, 1, 2, 9]).values() == [3] && median([4, 1, 2, 9]).gradient() == [0.5, 0, 0.5, 0])
    // Nothing overflows, vanishes or is rounded in between.
    #expect(try median([greatest, greatest]).values() == [greatest])
    #expect(try median([greatest, -greatest]).values() == [0])
    #expect(try median([least, least]).values() == [least])
    #expect(try median([0.1, 0.1, 0.1, 0.1]).values() == [0.1])
    #expect(try median([infinity, 1]).values() == [infinity] && median([infinity, 1]).gradient() == [0.5, 0.5])
    #expect(try median([-infinity, infinity]).values()[0].isNaN)
    #expect(try median([]).values()[0].isNaN)
  }

  /// NaN in, NaN out: in the value, and in all derivatives of the slice, but not of others.
  @Test func quantilesOfNaN() throws {
    let x = Tensor([1, .nan, 3, 4, 5, 6], shape: [2, 3])
    for (name, attributes) in [("median", [:]), ("quantile", ["q": AttributeValue.numbers([0.25, 0.5])])] {
      let run = try OperationRunner(name, [x], attributes.merging(["axis": .integer(1)]) { $1 })
      let (values, gradient) = (try run.values(), try run.gradient())
      #expect(values[0].isNaN && values[1] == (name == "median" ? 5 : 4.5) || values[0].isNaN && values[1] == 4.5)
      #expect(gradient.prefix(3).allSatisfy(\.isNaN) && gradient.suffix(3).allSatisfy(\.isFinite), "\(gradient)")
    }
  }

  @Test func quantiles() throws {
    func quantile(_ x: [Double], _ q: AttributeValue, _ method: String = "linear") throws -> OperationRunner {
      try OperationRunner("quantile", [Tensor(x)], ["q": q, "method": .text(method)])
    }
    let run = try quantile([3, 1, 2, 10], .number(0.75))
    #expect(try run.values() == [4.75])
    #expect(try run.gradient() == [0.75, 0, 0, 0.25])
    #expect(try quantile([0.1, 0.1, 0.1], .number(0.3)).values() == [0.1])
    #expect(agree(try quantile([-greatest, greatest], .number(0.25)).values(), [-greatest / 2]))
    #expect(try quantile([1, infinity, infinity], .numbers([0, 0.5, 0.75])).values() == [1, infinity, infinity])
    #expect(try quantile([-infinity, 0], .number(0.25)).values() == [-infinity])
    #expect(try quantile([0, 1, 2, 3], .number(0.5), "nearest").values() == [2])
    #expect(try quantile([0, 1, 2, 3, 4, 5], .numbers([0.5]), "nearest").values() == [2])
    #expect(try quantile([1, 2], .integers([])).results[0].shape == [0])
    let stack = try OperationRunner(
      "quantile", [Tensor.zeros(TensorType(.float64, [2, 3, 4]))],
      ["q": .numbers([0.1, 0.2]), "axis": .integers([0, 2]), "keepdims": .boolean(true)])
    #expect(stack.results[0].shape == [2, 1, 3, 1])
  }

  @Test func searching() throws {
    let line = Tensor([1, 2, 2, infinity, .nan])
    let values = Tensor([0, 2, infinity, .nan, -infinity])
    #expect(try OperationRunner("searchsorted", [line, values]).values() == [0, 1, 3, 4, 0])
    #expect(try OperationRunner("searchsorted", [line, values], ["side": .text("right")]).values() == [0, 3, 4, 5, 0])
  }

  @Test func distances() throws {
    let points = Tensor([0, 0, 3, 4], shape: [2, 2])
    let run = try OperationRunner("cdist", [points, points])
    #expect(try run.values() == [0, 5, 5, 0])
    #expect(agree(try run.gradient(), [-0.6, -0.8, 0.6, 0.8]))
    let near = try OperationRunner("cdist", [Tensor([1e8, 1], shape: [1, 2]), Tensor([1e8, 1.5], shape: [1, 2])])
    #expect(try near.values() == [0.5])
  }

  @Test func integrals() throws {
    #expect(try OperationRunner("trapezoid", [[1, 2, 4]]).values() == [4.5])
    #expect(try OperationRunner("trapezoid", [[1, 2, 4], [0, 1, 3]]).values() == [7.5])
    #expect(try OperationRunner("trapezoid", [[1, 2, 4], [3, 1, 0]]).values() == [-6])
    let large = try OperationRunner("trapezoid", [Tensor([greatest, greatest, least])], ["dx": .number(0.5)])
    #expect(try large.values() == [greatest * 0.75])
    #expect(try OperationRunner("trapezoid", [Tensor([least, least])]).values() == [least])
  }

  @Test func diagonals() throws {
    #expect(try OperationRunner("diag", [[1, 2]], ["offset": .integer(-1)]).values() == [0, 0, 0, 1, 0, 0, 0, 2, 0])
    #expect(try OperationRunner("diag", [[[1, 2], [3, 4]]]).values() == [1, 4])
    // Zeros are put beside a NaN, never multiplied by it.
    #expect(agree(try OperationRunner("diag_embed", [Tensor([.nan, 1])]).values(), [.nan, 0, 0, 1]))
  }
}
