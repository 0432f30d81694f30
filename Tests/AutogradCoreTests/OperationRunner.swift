import Testing

@testable import AutogradCore

/// One operation of the catalog on tensors: what it gives, and the gradients of the sum of its floating results.
struct OperationRunner {
  let builder = GraphBuilder()
  let variables: [Value]
  let results: [Value]

  init(
    _ name: String, _ operands: [Tensor], _ attributes: [String: AttributeValue] = [:], results count: Int = 1
  ) throws {
    let operation = try #require(OpCatalog.operation(named: name))
    variables = operands.map { [builder] in builder.variable($0) }
    results = try builder.apply(operation, variables.map { .value($0) }, attributes, resultCount: count)
  }

  func values(_ result: Int = 0) throws -> [Double] { try results[result].evaluate().doubles }

  /// With respect to one operand.
  func gradient(_ operand: Int = 0, cotangent: [Double]? = nil) throws -> [Double] {
    let seed = cotangent.map { builder.constant(Tensor($0, shape: results[0].shape)) }
    return try results[0].gradient(withRespectTo: variables[operand], cotangent: seed).evaluate().doubles
  }

  /// The tangent of the first result along ones.
  func tangent(_ operand: Int = 0) throws -> [Double] {
    let ones = builder.ones(variables[operand].type)
    let tangent = builder.tangents(of: [results[0]], along: [(variables[operand], ones)])[0]
    return try (tangent ?? builder.zeros(results[0].type)).evaluate().doubles
  }
}

/// Whether numbers are equal to a few units in the last place, NaN being equal to itself.
func agree(_ a: [Double], _ b: [Double], within tolerance: Double = 4e-16) -> Bool {
  a.count == b.count
    && zip(a, b).allSatisfy { $0 == $1 || ($0.isNaN && $1.isNaN) || abs($0 - $1) <= tolerance * max(abs($0), abs($1)) }
}
