import Testing

@testable import AutogradCore

/// Printed graphs before and after `vjp` for products of vectors, matrices and stacks.
@Suite struct MatMulGoldenTests {
  @Test func matrices() throws {
    try expectGraphs(
      [(.float64, [2, 3]), (.float64, [3, 4])],
      """
      graph(%0 x: float64[2, 3], %1 y: float64[3, 4]) {
        %2 = matmul %0 %1 : float64[2, 4]
        return %2
      }

      """,
      """
      graph(%0 x: float64[2, 3], %1 y: float64[3, 4], %2 ct0: float64[2, 4]) {
        %3 = matmul %0 %1 : float64[2, 4]
        %4 = transpose %1 axes=[1, 0] : float64[4, 3]
        %5 = matmul %2 %4 : float64[2, 3]
        %6 = transpose %0 axes=[1, 0] : float64[3, 2]
        %7 = matmul %6 %2 : float64[3, 4]
        return %3, %5, %7
      }

      """
    ) { v in [v[0].matmul(v[1])] }
  }

  @Test func vectors() throws {
    try expectGraphs(
      [(.float64, [3]), (.float64, [3])],
      """
      graph(%0 x: float64[3], %1 y: float64[3]) {
        %2 = reshape %0 shape=[1, 3] : float64[1, 3]
        %3 = reshape %1 shape=[3, 1] : float64[3, 1]
        %4 = matmul %2 %3 : float64[1, 1]
        %5 = reshape %4 shape=[] : float64[]
        return %5
      }

      """,
      """
      graph(%0 x: float64[3], %1 y: float64[3], %2 ct0: float64[]) {
        %3 = reshape %0 shape=[1, 3] : float64[1, 3]
        %4 = reshape %1 shape=[3, 1] : float64[3, 1]
        %5 = matmul %3 %4 : float64[1, 1]
        %6 = reshape %5 shape=[] : float64[]
        %7 = reshape %2 shape=[1, 1] : float64[1, 1]
        %8 = transpose %4 axes=[1, 0] : float64[1, 3]
        %9 = matmul %7 %8 : float64[1, 3]
        %10 = transpose %3 axes=[1, 0] : float64[3, 1]
        %11 = matmul %10 %7 : float64[3, 1]
        %12 = reshape %11 shape=[3] : float64[3]
        %13 = reshape %9 shape=[3] : float64[3]
        return %6, %13, %12
      }

      """
    ) { v in [v[0].matmul(v[1])] }
  }

  @Test func matrixByVector() throws {
    try expectGraphs(
      [(.float64, [2, 3]), (.float64, [3])],
      """
      graph(%0 x: float64[2, 3], %1 y: float64[3]) {
        %2 = reshape %1 shape=[3, 1] : float64[3, 1]
        %3 = matmul %0 %2 : float64[2, 1]
        %4 = reshape %3 shape=[2] : float64[2]
        return %4
      }

      """,
      """
      graph(%0 x: float64[2, 3], %1 y: float64[3], %2 ct0: float64[2]) {
        %3 = reshape %1 shape=[3, 1] : float64[3, 1]
        %4 = matmul %0 %3 : float64[2, 1]
        %5 = reshape %4 shape=[2] : float64[2]
        %6 = reshape %2 shape=[2, 1] : float64[2, 1]
        %7 = transpose %3 axes=[1, 0] : float64[1, 3]
        %8 = matmul %6 %7 : float64[2, 3]
        %9 = transpose %0 axes=[1, 0] : float64[3, 2]
        %10 = matmul %9 %6 : float64[3, 1]
        %11 = reshape %10 shape=[3] : float64[3]
        return %5, %8, %11
      }

      """
    ) { v in [v[0].matmul(v[1])] }
  }

  /// One taller product instead of a stack, so that the gradient of the shared matrix needs no sum.
  @Test func stackBySharedMatrix() throws {
    try expectGraphs(
      [(.float64, [5, 2, 3]), (.float64, [3, 4])],
      """
      graph(%0 x: float64[5, 2, 3], %1 y: float64[3, 4]) {
        %2 = reshape %0 shape=[10, 3] : float64[10, 3]
        %3 = matmul %2 %1 : float64[10, 4]
        %4 = reshape %3 shape=[5, 2, 4] : float64[5, 2, 4]
        return %4
      }

      """,
      """
      graph(%0 x: float64[5, 2, 3], %1 y: float64[3, 4], %2 ct0: float64[5, 2, 4]) {
        %3 = reshape %0 shape=[10, 3] : float64[10, 3]
        %4 = matmul %3 %1 : float64[10, 4]
        %5 = reshape %4 shape=[5, 2, 4] : float64[5, 2, 4]
        %6 = reshape %2 shape=[10, 4] : float64[10, 4]
        %7 = transpose %1 axes=[1, 0] : float64[4, 3]
        %8 = matmul %6 %7 : float64[10, 3]
        %9 = transpose %3 axes=[1, 0] : float64[3, 10]
        %10 = matmul %9 %6 : float64[3, 4]
        %11 = reshape %8 shape=[5, 2, 3] : float64[5, 2, 3]
        return %5, %11, %10
      }

      """
    ) { v in [v[0].matmul(v[1])] }
  }

  @Test func stackByStretchedStack() throws {
    try expectGraphs(
      [(.float64, [5, 2, 3]), (.float64, [1, 3, 4])],
      """
      graph(%0 x: float64[5, 2, 3], %1 y: float64[1, 3, 4]) {
        %2 = broadcast %1 shape=[5, 3, 4] : float64[5, 3, 4]
        %3 = matmul %0 %2 : float64[5, 2, 4]
        return %3
      }

      """,
      """
      graph(%0 x: float64[5, 2, 3], %1 y: float64[1, 3, 4], %2 ct0: float64[5, 2, 4]) {
        %3 = broadcast %1 shape=[5, 3, 4] : float64[5, 3, 4]
        %4 = matmul %0 %3 : float64[5, 2, 4]
        %5 = transpose %3 axes=[0, 2, 1] : float64[5, 4, 3]
        %6 = matmul %2 %5 : float64[5, 2, 3]
        %7 = transpose %0 axes=[0, 2, 1] : float64[5, 3, 2]
        %8 = matmul %7 %2 : float64[5, 3, 4]
        %9 = sum %8 axes=[0] : float64[3, 4]
        %10 = reshape %9 shape=[1, 3, 4] : float64[1, 3, 4]
        return %4, %6, %10
      }

      """
    ) { v in [v[0].matmul(v[1])] }
  }

  @Test func sharedMatrixByStack() throws {
    try expectGraphs(
      [(.float64, [2, 3]), (.float64, [5, 3, 4])],
      """
      graph(%0 x: float64[2, 3], %1 y: float64[5, 3, 4]) {
        %2 = broadcast %0 shape=[5, 2, 3] : float64[5, 2, 3]
        %3 = matmul %2 %1 : float64[5, 2, 4]
        return %3
      }

      """,
      """
      graph(%0 x: float64[2, 3], %1 y: float64[5, 3, 4], %2 ct0: float64[5, 2, 4]) {
        %3 = broadcast %0 shape=[5, 2, 3] : float64[5, 2, 3]
        %4 = matmul %3 %1 : float64[5, 2, 4]
        %5 = transpose %1 axes=[0, 2, 1] : float64[5, 4, 3]
        %6 = matmul %2 %5 : float64[5, 2, 3]
        %7 = transpose %3 axes=[0, 2, 1] : float64[5, 3, 2]
        %8 = matmul %7 %2 : float64[5, 3, 4]
        %9 = sum %6 axes=[0] : float64[2, 3]
        return %4, %9, %8
      }

      """
    ) { v in [v[0].matmul(v[1])] }
  }
}
