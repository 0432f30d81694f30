import AutogradTestSupport
import Testing

@testable import AutogradCore

/// Entries of Jacobians that are 0 by structure are 0 whatever the derivatives of other elements are, infinite ones
/// too.
@Suite struct AlignmentTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    var shape: Shape
    var numbers: [Double]
    var function: @Sendable (_ x: Value) -> Value
    var testDescription: String { name }

    init(
      _ name: String, _ shape: Shape, _ numbers: [Double], _ function: @escaping @Sendable (_ x: Value) -> Value
    ) {
      (self.name, self.shape, self.numbers, self.function) = (name, shape, numbers, function)
    }
  }

  private static func reciprocal(_ x: Value) -> Value { x.applying("reciprocal") }
  private static func along(_ axis: Int) -> [String: AttributeValue] { ["axis": .integer(axis)] }
  /// One number has an infinite derivative, which matters to its row alone.
  private static let rows = [2.0, 4, 1e-300, 5]

  static let cases: [Case] = [
    Case("reciprocal", [2], [2, 1e-300]) { reciprocal($0) },
    Case("sqrt", [3], [4, 0, 9]) { $0.applying("sqrt") },
    Case("moved", [2, 2], rows) { reciprocal($0).transpose().reshape(1, 2, 2, 1).reshape(2, 2) },
    Case("sums of rows", [2, 2], rows) { reciprocal($0).applying("sum", attributes: along(1)) },
    Case("stretched", [2, 1], [2, 1e-300]) { reciprocal($0).broadcast(to: [2, 3]) },
    Case("joined", [2, 2], rows) { reciprocal($0).applying("concat", $0, attributes: along(1)) },
    Case("rows of a product", [2, 2], rows) {
      reciprocal($0).matmul($0.builder.variable(Tensor([1, 2, 3, 4.0], shape: [2, 2])))
    },
    Case("running sums", [2, 2], rows) { reciprocal($0).applying("cumsum", attributes: along(1)) },
    Case("lengths of rows", [2, 2], rows) { reciprocal($0).applying("norm", attributes: along(1)) },
    Case("columns left out", [2, 2], rows) { reciprocal($0).split(into: 2, axis: 0)[0] },
  ]

  @Test(arguments: cases) func otherElementsDoNotMatter(_ test: Case) throws {
    let builder = GraphBuilder()
    let x = builder.variable(Tensor(test.numbers, shape: test.shape))
    let y = test.function(x)
    let gradient = y.gradient(withRespectTo: x)
    let (count, row) = (test.numbers.count, test.shape.rank == 1 ? 1 : test.shape[1])
    /// Whether an element stands in the row of one with an infinite derivative.
    let isBad = (0..<count).map { index in
      (0..<row).contains { test.numbers[index / row * row + $0] < 1e-200 }
    }
    for jacobian in [
      builder.jacobians(of: [y], withRespectTo: [x])[0][0], builder.hessians([y], withRespectTo: [x])[0][0],
    ] {
      let numbers = try jacobian.evaluate().doubles
      #expect(jacobian.shape == y.shape.appending(test.shape))
      let good = numbers.indices.filter { !isBad[$0 % count] }
      #expect(good.allSatisfy { numbers[$0].isFinite }, "\(numbers)")
    }
    let second = try builder.hessians([gradient], withRespectTo: [x])[0][0].evaluate().doubles
    let good = second.indices.filter { !isBad[$0 % count] || !isBad[$0 / count] }
    #expect(good.allSatisfy { second[$0].isFinite }, "\(second)")
  }

  /// What mixes elements keeps all its entries.
  @Test func mixedElementsStay() throws {
    let builder = GraphBuilder()
    let x = builder.variable(Tensor([1, 2, 3, 4.0], shape: [2, 2]))
    let y = x * x.sum()
    let jacobian = try builder.jacobians(of: [y], withRespectTo: [x])[0][0].evaluate().doubles
    #expect(jacobian == [11, 1, 1, 1, 2, 12, 2, 2, 3, 3, 13, 3, 4, 4, 4, 14])
    let turned = x + x.transpose()
    let sums = try builder.jacobians(of: [turned], withRespectTo: [x])[0][0].evaluate().doubles
    #expect(sums == [2, 0, 0, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 2])
  }
}
