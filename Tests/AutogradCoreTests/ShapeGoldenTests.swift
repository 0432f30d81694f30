import Testing

@testable import AutogradCore

/// Printed graphs before and after `vjp`, for the operations that move elements.
@Suite struct ShapeGoldenTests {
  @Test func reshape() throws {
    try expectGraphs(
      [(.float64, [2, 3])],
      """
      graph(%0 x: float64[2, 3]) {
        %1 = reshape %0 shape=[3, 2] : float64[3, 2]
        return %1
      }

      """,
      """
      graph(%0 x: float64[2, 3], %1 ct0: float64[3, 2]) {
        %2 = reshape %0 shape=[3, 2] : float64[3, 2]
        %3 = reshape %1 shape=[2, 3] : float64[2, 3]
        return %2, %3
      }

      """
    ) { v in [v[0].reshape(3, -1)] }
  }

  /// The inverse permutation, not the same one: they differ only from rank 3 on.
  @Test func transpose() throws {
    try expectGraphs(
      [(.float64, [2, 3, 4])],
      """
      graph(%0 x: float64[2, 3, 4]) {
        %1 = transpose %0 axes=[2, 0, 1] : float64[4, 2, 3]
        return %1
      }

      """,
      """
      graph(%0 x: float64[2, 3, 4], %1 ct0: float64[4, 2, 3]) {
        %2 = transpose %0 axes=[2, 0, 1] : float64[4, 2, 3]
        %3 = transpose %1 axes=[1, 2, 0] : float64[2, 3, 4]
        return %2, %3
      }

      """
    ) { v in [v[0].transpose(2, 0, 1)] }
  }

  @Test func broadcast() throws {
    try expectGraphs(
      [(.float64, [2, 1])],
      """
      graph(%0 x: float64[2, 1]) {
        %1 = broadcast %0 shape=[4, 2, 3] : float64[4, 2, 3]
        return %1
      }

      """,
      """
      graph(%0 x: float64[2, 1], %1 ct0: float64[4, 2, 3]) {
        %2 = broadcast %0 shape=[4, 2, 3] : float64[4, 2, 3]
        %3 = sum %1 axes=[0, 2] : float64[2]
        %4 = reshape %3 shape=[2, 1] : float64[2, 1]
        return %2, %4
      }

      """
    ) { v in [v[0].broadcast(to: [4, 2, 3])] }
  }

  /// The part that nobody uses becomes zeros here and nowhere else.
  @Test func splitWithOnePartUnused() throws {
    try expectGraphs(
      [(.float64, [2, 3])],
      """
      graph(%0 x: float64[2, 3]) {
        %1, %2 = split %0 axis=0 sizes=[1, 1] : float64[1, 3], float64[1, 3]
        return %2
      }

      """,
      """
      graph(%0 x: float64[2, 3], %1 ct0: float64[1, 3]) {
        %2, %3 = split %0 axis=0 sizes=[1, 1] : float64[1, 3], float64[1, 3]
        %4 = constant 0.0 : float64[]
        %5 = broadcast %4 shape=[1, 3] : float64[1, 3]
        %6 = concat %5 %1 axis=0 : float64[2, 3]
        return %3, %6
      }

      """
    ) { v in [v[0].split([1, 1])[1]] }
  }

  @Test func splitWithBothPartsUsed() throws {
    try expectGraphs(
      [(.float64, [2, 3])],
      """
      graph(%0 x: float64[2, 3]) {
        %1, %2 = split %0 axis=0 sizes=[1, 1] : float64[1, 3], float64[1, 3]
        %3 = add %1 %2 : float64[1, 3]
        return %3
      }

      """,
      """
      graph(%0 x: float64[2, 3], %1 ct0: float64[1, 3]) {
        %2, %3 = split %0 axis=0 sizes=[1, 1] : float64[1, 3], float64[1, 3]
        %4 = add %2 %3 : float64[1, 3]
        %5 = concat %1 %1 axis=0 : float64[2, 3]
        return %4, %5
      }

      """
    ) { v in
      let p = v[0].split(into: 2)
      return [p[0] + p[1]]
    }
  }

  @Test func slice() throws {
    try expectGraphs(
      [(.float64, [4, 5])],
      """
      graph(%0 x: float64[4, 5]) {
        %1 = slice %0 starts=[1, 4] steps=[1, -2] sizes=[2, 3] of=[4, 5] : float64[2, 3]
        return %1
      }

      """,
      """
      graph(%0 x: float64[4, 5], %1 ct0: float64[2, 3]) {
        %2 = slice %0 starts=[1, 4] steps=[1, -2] sizes=[2, 3] of=[4, 5] : float64[2, 3]
        %3 = unslice %1 starts=[1, 4] steps=[1, -2] sizes=[2, 3] of=[4, 5] : float64[4, 5]
        return %2, %3
      }

      """
    ) { v in [v[0].slice(starts: [1, nil], ends: [3, nil], steps: [1, -2])] }
  }

  @Test func sum() throws {
    try expectGraphs(
      [(.float64, [2, 3])],
      """
      graph(%0 x: float64[2, 3]) {
        %1 = sum %0 axes=[1] : float64[2]
        return %1
      }

      """,
      """
      graph(%0 x: float64[2, 3], %1 ct0: float64[2]) {
        %2 = sum %0 axes=[1] : float64[2]
        %3 = reshape %1 shape=[2, 1] : float64[2, 1]
        %4 = broadcast %3 shape=[2, 3] : float64[2, 3]
        return %2, %4
      }

      """
    ) { v in [v[0].sum(axis: 1)] }
  }

  @Test func sumKeepingDimensions() throws {
    try expectGraphs(
      [(.float64, [2, 3])],
      """
      graph(%0 x: float64[2, 3]) {
        %1 = sum %0 axes=[0] : float64[3]
        %2 = reshape %1 shape=[1, 3] : float64[1, 3]
        return %2
      }

      """,
      """
      graph(%0 x: float64[2, 3], %1 ct0: float64[1, 3]) {
        %2 = sum %0 axes=[0] : float64[3]
        %3 = reshape %2 shape=[1, 3] : float64[1, 3]
        %4 = broadcast %1 shape=[2, 3] : float64[2, 3]
        return %3, %4
      }

      """
    ) { v in [v[0].sum(axis: [0], keepDimensions: true)] }
  }
}
