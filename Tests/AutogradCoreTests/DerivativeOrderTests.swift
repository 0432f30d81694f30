import Testing

@testable import AutogradCore

/// Derivatives of families go up to an order, and no further: what is beyond is refused while the graph is built, by
/// name, and is never NaN in silence.
@Suite struct DerivativeOrderTests {
  /// A function, the operand it is differentiated by, and how often that can be done.
  struct Limit: Sendable, CustomTestStringConvertible {
    var operation: String
    var operand = 0
    var most: Int
    var names: String?
    var attributes: [String: AttributeValue] = [:]
    var point: [Double]
    var testDescription: String { "\(operation) by operand \(operand)" }
  }

  static let limits: [Limit] = [
    Limit(operation: "erfinv", most: 16, point: [0.3]), Limit(operation: "ndtri", most: 16, point: [0.3]),
    Limit(operation: "ndtr", most: 16, point: [0.3]), Limit(operation: "log_ndtr", most: 16, point: [0.3]),
    Limit(operation: "erfcx", most: 16, point: [0.3]), Limit(operation: "sinc", most: 16, point: [0.3]),
    Limit(operation: "i0e", most: 16, point: [0.3]), Limit(operation: "i1e", most: 16, point: [0.3]),
    Limit(operation: "zeta", most: 8, point: [2.5, 0.7]),
    Limit(operation: "zeta", operand: 1, most: 16, point: [2.5, 0.7]),
    Limit(operation: "gammainc", most: 8, names: "gammainc and gammaincc", point: [2.5, 0.7]),
    Limit(operation: "gammaincc", operand: 1, most: 16, names: "gammainc and gammaincc", point: [2.5, 0.7]),
    Limit(operation: "betainc", most: 4, point: [2.5, 0.7, 0.3]),
    Limit(operation: "betainc", operand: 2, most: 4, point: [2.5, 0.7, 0.3]),
    Limit(operation: "digamma", most: 100, point: [2.5]),
    Limit(operation: "lgamma", most: 101, names: "digamma", point: [2.5]),
    Limit(operation: "polygamma", most: 10, names: "digamma", attributes: ["n": .integer(90)], point: [2.5]),
    Limit(operation: "erf", most: 101, names: "erf and erfc", point: [0.3]),
    Limit(operation: "hypot", most: 16, names: "hypot and asinh", point: [0.3, 0.7]),
    Limit(operation: "asinh", most: 16, names: "hypot and asinh", point: [0.3]),
    Limit(operation: "atan", most: 101, names: "atan and atan2", point: [0.3]),
    Limit(operation: "atan2", operand: 1, most: 101, names: "atan and atan2", point: [0.3, 0.7]),
  ]

  /// The derivative of an order, each by a gradient of the one before.
  private func derivative(_ limit: Limit, _ order: Int) throws -> (GraphBuilder, Value) {
    let builder = GraphBuilder()
    let operands = limit.point.indices.map { builder.input("x\($0)", .float64, []) }
    let operation = try #require(OpCatalog.operation(named: limit.operation))
    var value = try builder.apply(operation, operands.map { .value($0) }, limit.attributes)[0]
    for _ in 0..<order { value = value.gradient(withRespectTo: operands[limit.operand]) }
    return (builder, value)
  }

  @Test(arguments: limits) func theLastOrderIsANumber(_ limit: Limit) throws {
    let (builder, value) = try derivative(limit, limit.most)
    let result = try Plan(builder.graph(outputs: [value])).run(limit.point.map { Tensor([$0], shape: []) })
    #expect(result[0].doubles[0].isFinite, "\(result[0].doubles[0])")
  }

  @Test(arguments: limits) func theNextIsRefused(_ limit: Limit) throws {
    let (builder, value) = try derivative(limit, limit.most + 1)
    let error = #expect(throws: GraphError.self) { try builder.graph(outputs: [value]) }
    #expect(error?.code == .limitExceeded)
    let text = error.map { $0.text { "\($0)" } } ?? ""
    #expect(text.contains("derivatives of \(limit.names ?? limit.operation)"), "\(text)")
    let most = try #require(error?.limit?.most), order = try #require(error?.value)
    #expect(order == most + 1)
    #expect(text.hasSuffix("go up to order \(most), not \(order)"), "\(text)")
  }

  /// Orders by several operands come to a sum.
  @Test func mixedOrdersAreCountedTogether() throws {
    for (name, operands, most) in [("betainc", 3, 4), ("pow", 2, 101)] {
      let builder = GraphBuilder()
      let inputs = (0..<operands).map { builder.input("x\($0)", .float64, []) }
      let operation = try #require(OpCatalog.operation(named: name))
      var value = try builder.apply(operation, inputs.map { .value($0) }, [:])[0]
      for order in 0...most { value = value.gradient(withRespectTo: inputs[order % operands]) }
      let error = #expect(throws: GraphError.self) { try builder.graph(outputs: [value]) }
      #expect(error?.code == .limitExceeded && error?.limit == .work(most == 101 ? 100 : most), "\(name)")
    }
  }

  /// Other derivatives of the same node are not: the limit is that of what is asked for.
  @Test func otherOperandsAreFree() throws {
    let builder = GraphBuilder()
    let (a, x) = (builder.input("a", .float64, []), builder.input("x", .float64, []))
    var value = a.applying("gammainc", x)
    for _ in 0..<8 { value = value.gradient(withRespectTo: a) }
    value = value.gradient(withRespectTo: x)
    let result = try Plan(builder.graph(outputs: [value])).run([Tensor([2.5], shape: []), Tensor([0.7], shape: [])])
    #expect(result[0].doubles[0].isFinite)
  }
}
