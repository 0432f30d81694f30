import Testing

@testable import AutogradCore

/// Printed graphs before and after `vjp`: a derivative is read here as its author meant it, and any change to it is
/// seen.
@Suite struct PointwiseGoldenTests {
  /// The cotangent goes through as it is; only where an operand was stretched is it summed.
  @Test func addWithBroadcasting() throws {
    try expectGraphs(
      [(.float64, [2, 3]), (.float64, [3])],
      """
      graph(%0 x: float64[2, 3], %1 y: float64[3]) {
        %2 = broadcast %1 shape=[2, 3] : float64[2, 3]
        %3 = add %0 %2 : float64[2, 3]
        return %3
      }

      """,
      """
      graph(%0 x: float64[2, 3], %1 y: float64[3], %2 ct0: float64[2, 3]) {
        %3 = broadcast %1 shape=[2, 3] : float64[2, 3]
        %4 = add %0 %3 : float64[2, 3]
        %5 = sum %2 axes=[0] : float64[3]
        return %4, %2, %5
      }

      """
    ) { v in [v[0] + v[1]] }
  }

  @Test func subWithBothSidesBroadcast() throws {
    try expectGraphs(
      [(.float64, [2, 1]), (.float64, [1, 3])],
      """
      graph(%0 x: float64[2, 1], %1 y: float64[1, 3]) {
        %2 = broadcast %0 shape=[2, 3] : float64[2, 3]
        %3 = broadcast %1 shape=[2, 3] : float64[2, 3]
        %4 = sub %2 %3 : float64[2, 3]
        return %4
      }

      """,
      """
      graph(%0 x: float64[2, 1], %1 y: float64[1, 3], %2 ct0: float64[2, 3]) {
        %3 = broadcast %0 shape=[2, 3] : float64[2, 3]
        %4 = broadcast %1 shape=[2, 3] : float64[2, 3]
        %5 = sub %3 %4 : float64[2, 3]
        %6 = neg %2 : float64[2, 3]
        %7 = sum %6 axes=[0] : float64[3]
        %8 = reshape %7 shape=[1, 3] : float64[1, 3]
        %9 = sum %2 axes=[1] : float64[2]
        %10 = reshape %9 shape=[2, 1] : float64[2, 1]
        return %5, %10, %8
      }

      """
    ) { v in [v[0] - v[1]] }
  }

  @Test func mulByAScalar() throws {
    try expectGraphs(
      [(.float64, [2, 3]), (.float64, [])],
      """
      graph(%0 x: float64[2, 3], %1 y: float64[]) {
        %2 = broadcast %1 shape=[2, 3] : float64[2, 3]
        %3 = mul %0 %2 : float64[2, 3]
        return %3
      }

      """,
      """
      graph(%0 x: float64[2, 3], %1 y: float64[], %2 ct0: float64[2, 3]) {
        %3 = broadcast %1 shape=[2, 3] : float64[2, 3]
        %4 = mul %0 %3 : float64[2, 3]
        %5 = mul %2 %3 : float64[2, 3]
        %6 = mul %2 %0 : float64[2, 3]
        %7 = sum %6 axes=[0, 1] : float64[]
        return %4, %5, %7
      }

      """
    ) { v in [v[0] * v[1]] }
  }

  @Test func div() throws {
    try expectGraphs(
      [(.float64, [2]), (.float64, [2])],
      """
      graph(%0 x: float64[2], %1 y: float64[2]) {
        %2 = div %0 %1 : float64[2]
        return %2
      }

      """,
      """
      graph(%0 x: float64[2], %1 y: float64[2], %2 ct0: float64[2]) {
        %3 = div %0 %1 : float64[2]
        %4 = div %2 %1 : float64[2]
        %5 = product_quotient %2 %3 %1 : float64[2]
        %6 = neg %5 : float64[2]
        return %3, %4, %6
      }

      """
    ) { v in [v[0] / v[1]] }
  }

  /// Two uses of a value add up before they go further back: %9 is used once, not twice.
  @Test func fanOutAccumulates() throws {
    try expectGraphs(
      [(.float64, [2])],
      """
      graph(%0 x: float64[2]) {
        %1 = mul %0 %0 : float64[2]
        %2 = mul %1 %1 : float64[2]
        %3 = add %1 %2 : float64[2]
        return %3, %1
      }

      """,
      """
      graph(%0 x: float64[2], %1 ct0: float64[2], %2 ct1: float64[2]) {
        %3 = mul %0 %0 : float64[2]
        %4 = mul %3 %3 : float64[2]
        %5 = add %3 %4 : float64[2]
        %6 = add %2 %1 : float64[2]
        %7 = mul %1 %3 : float64[2]
        %8 = add %6 %7 : float64[2]
        %9 = add %8 %7 : float64[2]
        %10 = mul %9 %0 : float64[2]
        %11 = add %10 %10 : float64[2]
        return %5, %3, %11
      }

      """
    ) { v in
      let y = v[0] * v[0]
      return [y + y * y, y]
    }
  }

  @Test func promotionCastsTheGradientBack() throws {
    try expectGraphs(
      [(.float64, [2]), (.float32, [2])],
      """
      graph(%0 x: float64[2], %1 y: float32[2]) {
        %2 = cast %1 dtype=float64 : float64[2]
        %3 = mul %0 %2 : float64[2]
        return %3
      }

      """,
      """
      graph(%0 x: float64[2], %1 y: float32[2], %2 ct0: float64[2]) {
        %3 = cast %1 dtype=float64 : float64[2]
        %4 = mul %0 %3 : float64[2]
        %5 = mul %2 %3 : float64[2]
        %6 = mul %2 %0 : float64[2]
        %7 = cast %6 dtype=float32 : float32[2]
        return %4, %5, %7
      }

      """
    ) { v in [v[0] * v[1]] }
  }

  /// Zeros of any size are one scalar, stretched.
  @Test func anInputThatDoesNotMatterGetsZeros() throws {
    try expectGraphs(
      [(.float64, [2]), (.float64, [3])],
      """
      graph(%0 x: float64[2], %1 y: float64[3]) {
        %2 = constant 2.0 : float64[]
        %3 = broadcast %2 shape=[2] : float64[2]
        %4 = mul %0 %3 : float64[2]
        return %4
      }

      """,
      """
      graph(%0 x: float64[2], %1 y: float64[3], %2 ct0: float64[2]) {
        %3 = constant 2.0 : float64[]
        %4 = broadcast %3 shape=[2] : float64[2]
        %5 = mul %0 %4 : float64[2]
        %6 = mul %2 %4 : float64[2]
        %7 = constant 0.0 : float64[]
        %8 = broadcast %7 shape=[3] : float64[3]
        return %5, %6, %8
      }

      """
    ) { v in [v[0] * 2] }
  }

  @Test func cast() throws {
    try expectGraphs(
      [(.float32, [2])],
      """
      graph(%0 x: float32[2]) {
        %1 = cast %0 dtype=float64 : float64[2]
        return %1
      }

      """,
      """
      graph(%0 x: float32[2], %1 ct0: float64[2]) {
        %2 = cast %0 dtype=float64 : float64[2]
        %3 = cast %1 dtype=float32 : float32[2]
        return %2, %3
      }

      """
    ) { v in [v[0].cast(to: .float64)] }
  }

  /// Nothing flows back through integers, and there is no cotangent to give.
  @Test func castToAnInteger() throws {
    try expectGraphs(
      [(.float64, [2])],
      """
      graph(%0 x: float64[2]) {
        %1 = cast %0 dtype=int32 : int32[2]
        return %1
      }

      """,
      """
      graph(%0 x: float64[2]) {
        %1 = cast %0 dtype=int32 : int32[2]
        %2 = constant 0.0 : float64[]
        %3 = broadcast %2 shape=[2] : float64[2]
        return %1, %3
      }

      """
    ) { v in [v[0].cast(to: .int32)] }
  }
}

/// Builds a graph, compares it and its `vjp` with printed ones, and checks the grammar of both.
func expectGraphs(
  _ inputs: [(DType, Shape)], _ before: String, _ after: String, at place: SourceLocation = #_sourceLocation,
  _ formula: ([Value]) -> [Value]
) throws {
  let builder = GraphBuilder()
  let operands = zip(inputs, ["x", "y"]).map { builder.input($1, $0.0, $0.1) }
  let graph = try builder.graph(outputs: formula(operands))
  let differentiated = try vjp(graph)
  try graph.validate()
  try differentiated.validate()
  #expect(graph.description == before, sourceLocation: place)
  #expect(differentiated.description == after, sourceLocation: place)
}
