import CLapack

/// What a LAPACK routine computes on one matrix of a stack: executor and interpreter both call it here.
///
/// Matrices are float64, row-major and without gaps; float32 is brought to float64 before, by nodes of the graph.
package enum MatrixFunction: UInt8, Sendable {
  case cholesky, lu, luSolve, triangularSolve, determinant, determinantSign, determinantLog, cofactors
  case eigen, svd, qr, exponential, exponentialSlope

  /// The refusal of one matrix.
  enum Refusal {
    case notPositiveDefinite(order: Int)
    /// It is a combination of the rows before it.
    case dependentRow(Int)
    case zeroOnDiagonal(row: Int)
  }

  /// - Parameters:
  ///   - n: columns of the matrix, which has as many rows but for `svd`, `qr` and `exponentialSlope`.
  ///   - m: columns of a right side; rows of the matrix where there is none.
  ///   - x: the matrix, or its LU factors.
  ///   - y: the right side; scratch memory where there is none.
  func run(
    n: Int, m: Int, _ form: SolveForm, _ z: UnsafeMutableRawPointer, _ x: UnsafeRawPointer,
    _ y: UnsafeMutableRawPointer, _ stop: StopFlag
  ) -> Refusal? {
    let result = z.assumingMemoryBound(to: Double.self)
    let matrix = x.assumingMemoryBound(to: Double.self)
    let other = y.assumingMemoryBound(to: Double.self)
    switch self {
    case .cholesky:
      let order = cl_cholesky(n, result, matrix, stop)
      return order == 0 ? nil : .notPositiveDefinite(order: Int(order))
    case .lu: cl_lu(n, result, matrix, stop)
    case .luSolve:
      let pivot = cl_lu_solve(n, m, form.isTransposed, result, matrix, other, stop)
      if pivot != 0 && form.givesNaN {
        for position in 0..<(n * m) { result[position] = .nan }
      } else if pivot != 0 {
        return .dependentRow(Int(pivot) - 1)
      }
    case .triangularSolve:
      let pivot = cl_triangular_solve(n, m, form.isLower, form.isTransposed, result, matrix, other, stop)
      if pivot != 0 && form.givesNaN {
        for position in 0..<(n * m) { result[position] = .nan }
      } else if pivot != 0 {
        return .zeroOnDiagonal(row: Int(pivot) - 1)
      }
    case .determinant: result[0] = cl_determinant(n, matrix)
    case .determinantSign: result[0] = cl_determinant_sign(n, matrix)
    case .determinantLog: result[0] = cl_determinant_log(n, matrix)
    case .cofactors: cl_cofactors(n, result, matrix, other, stop)
    case .eigen: cl_eigen(n, result, matrix, other, stop)
    case .svd: cl_svd(m, n, result, matrix, other, stop)
    case .qr: cl_qr(m, n, result, matrix, other, stop)
    case .exponential: cl_exponential(n, result, matrix, other, stop)
    case .exponentialSlope: cl_exponential_slope(n, result, matrix, other, stop)
    }
    return nil
  }

  /// Whether the result for one matrix has no elements.
  func isEmpty(n: Int, m: Int) -> Bool {
    switch self {
    case .cholesky, .lu, .cofactors, .eigen, .qr, .exponential, .exponentialSlope: n == 0
    case .luSolve, .triangularSolve, .svd: n == 0 || m == 0
    case .determinant, .determinantSign, .determinantLog: false
    }
  }

  /// Bytes of scratch memory, in y.
  func scratchByteCount(n: Int, m: Int) -> Int {
    let count =
      switch self {
      case .cofactors: cl_cofactors_scratch(n)
      case .eigen: cl_eigen_scratch(n)
      case .svd: cl_svd_scratch(m, n)
      case .qr: cl_qr_scratch(m, n)
      case .exponential: cl_exponential_scratch(n)
      case .exponentialSlope: cl_exponential_slope_scratch(n)
      case .cholesky, .lu, .luSolve, .triangularSolve, .determinant, .determinantSign, .determinantLog: 0
      }
    return count * MemoryLayout<Double>.stride
  }

  /// Elementary operations on one matrix, about; where LAPACK does the work with the reference BLAS, as many as a
  /// product would do in the time.
  func work(n: Int, m: Int) -> Int {
    func multiplied(_ factors: Int...) -> Int {
      factors.reduce(1) { product, factor in
        let (next, overflow) = product.multipliedReportingOverflow(by: factor)
        return overflow ? Int.max / 8 : next
      }
    }
    return switch self {
    case .cholesky: multiplied(n, n, n) / 3
    case .lu: multiplied(n, n, n) / 3 * 2
    case .luSolve: multiplied(2, n, n, m)
    case .triangularSolve: multiplied(n, n, m)
    case .determinant, .determinantSign, .determinantLog: n
    case .cofactors: multiplied(100, n, n, n)
    case .eigen: multiplied(50, n, n, n)
    case .svd: multiplied(60, max(n, m), min(n, m), min(n, m))
    case .qr: multiplied(30, m, n, n)
    // With as many squarings as there can be, 53.
    case .exponential: multiplied(122, n, n, n)
    case .exponentialSlope: multiplied(8 * 122, n, n, n)
    }
  }
}

/// Which of the equations that a matrix can stand in is solved.
public struct SolveForm: Hashable, Sendable {
  /// With the transpose of the matrix.
  public var isTransposed = false
  /// With its lower triangle rather than the upper; for `triangular_solve`.
  public var isLower = false
  /// A singular matrix has solutions of NaN instead of being refused.
  public var givesNaN = false

  var transposed: SolveForm { SolveForm(isTransposed: !isTransposed, isLower: isLower, givesNaN: givesNaN) }
}

extension MatrixFunction.Refusal {
  /// - Parameter matrix: which of the stack; nil where there is no stack.
  func error(matrix: Int?) -> GraphError {
    let which = matrix.map { "matrix \($0) of {0}" } ?? "{0}"
    return switch self {
    case .notPositiveDefinite(let order):
      GraphError(
        .notPositiveDefinite, "\(which) is not positive definite: its leading \(order) by \(order) block is not",
        at: .operand(0))
    case .dependentRow(let row):
      GraphError(
        .singularMatrix, "\(which) is singular: row \(row), counted from 0, is a combination of the rows before it",
        at: .operand(0))
    case .zeroOnDiagonal(let row):
      GraphError(
        .singularMatrix, "\(which) is singular: its diagonal holds a 0 in row \(row), counted from 0", at: .operand(0))
    }
  }
}
