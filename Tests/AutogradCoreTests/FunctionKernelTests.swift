import AutogradTestSupport
import CKernels
import Testing

@testable import AutogradCore

/// Elementary functions, whose tables differ in the last places; and that every kernel gives an element the same bits
/// wherever it stands.
@Suite struct FunctionKernelTests {
  static let unary: Set<Int32> = Set(
    [
      CK_EXP, CK_EXPM1, CK_LOG, CK_LOG1P, CK_LOG2, CK_LOG10, CK_SIN, CK_COS, CK_TAN, CK_ASIN, CK_ACOS, CK_ATAN, CK_SINH,
      CK_COSH, CK_TANH,
      CK_ASINH, CK_ACOSH, CK_ATANH, CK_ERF, CK_ERFC, CK_SOFTPLUS, CK_LOG_SIGMOID, CK_SIGMOID, CK_SECH2, CK_GAUSSIAN,
      CK_SCALED_SIGMOID, CK_SCALED_SECH2, CK_SCALED_GAUSSIAN, CK_SCALED_ERFC,
    ].map { Int32($0.rawValue) })
  static let binary: Set<Int32> = Set(
    [CK_POW, CK_POW_BY_X, CK_POW_BY_Y, CK_POW_DERIVATIVE, CK_ATAN2, CK_HYPOT, CK_LOGADDEXP, CK_XLOGY].map {
      Int32($0.rawValue)
    })
  static let floats: [DType] = [.float64, .float32]
  private static let layouts = [(1, 1, 1), (1, 1, 0), (2, 0, 1), (1, -3, 2), (-1, 1, -1), (3, 2, 2)]

  // MARK: Independence

  /// Compares the memory that one call for all elements leaves with that of a call for each.
  private func expectIndependence(
    _ what: @autoclosure () -> String, _ target: DType, length: Int, stride: Int,
    _ call: (_ first: Int, _ count: Int, _ z: UnsafeMutableRawPointer) -> Void
  ) {
    var (together, apart) = (KernelMemory(target, length: length), KernelMemory(target, length: length))
    together.write { call(0, length, $0) }
    apart.write { z in
      for index in 0..<length { call(index, 1, z + index * stride * target.byteWidth) }
    }
    let same = together.bytes == apart.bytes  // not for the report to print
    #expect(same, "\(what()), length \(length)")
  }

  private func expectIndependence(
    _ x: KernelMemory, _ y: KernelMemory, length: Int, unary: some Sequence<Int32>, binary: some Sequence<Int32>
  ) {
    let (type, width) = (Int32(x.dtype.rawValue), x.dtype.byteWidth)
    for table in Kernels.all {
      let name = String(cString: ck_name(table))
      for (dz, dx, dy) in Self.layouts {
        for op in unary {
          guard let kernel = ck_unary(table, op, type) else { continue }
          let target = op >= CK_ISNAN.rawValue ? DType.bool : x.dtype
          expectIndependence("\(name) unary \(op) \(x.dtype) \(dz) \(dx)", target, length: length, stride: dz) {
            first, count, z in
            x.read { kernel(count, z, dz, $0 + first * dx * width, dx) }
          }
        }
        for op in binary {
          guard let kernel = ck_binary(table, op, type) else { continue }
          // Where integers have no answer, kernels stop.
          if !x.dtype.isFloating && (op == CK_POW.rawValue || op == CK_REMAINDER.rawValue) { continue }
          let target = op >= CK_EQUAL.rawValue ? DType.bool : x.dtype
          expectIndependence("\(name) binary \(op) \(x.dtype) \(dz) \(dx) \(dy)", target, length: length, stride: dz) {
            first, count, z in
            _ = x.read { x in
              y.read { y in kernel(count, z, dz, x + first * dx * width, dx, y + first * dy * width, dy) }
            }
          }
        }
      }
    }
  }

  @Test(arguments: DType.allCases) func resultsDependOnNothingButTheElement(_ dtype: DType) {
    var random = SeededGenerator(seed: 5)
    for length in KernelTests.lengths {
      let x = KernelMemory(dtype, length: length, filledWith: &random)
      let y = KernelMemory(dtype, length: length, filledWith: &random)
      expectIndependence(
        x, y, length: length, unary: 0..<Int32(CK_UNARY_COUNT.rawValue), binary: 0..<Int32(CK_BINARY_COUNT.rawValue))
    }
  }

  /// Vector functions take another way as soon as one of the elements in a vector is special.
  @Test(arguments: floats) func extremesDoNotTouchTheirNeighbours(_ dtype: DType) {
    var random = SeededGenerator(seed: 6)
    for length in KernelTests.lengths {
      let x = KernelMemory(extremes: dtype, length: length, using: &random)
      let y = KernelMemory(extremes: dtype, length: length, using: &random)
      expectIndependence(x, y, length: length, unary: Self.unary, binary: Self.binary)
    }
  }

  // MARK: Agreement

  /// The places by which two floats differ, as if all floats were numbered in order; NaN is at one place.
  private func distance(_ a: Double, _ b: Double, _ dtype: DType) -> Double {
    if a.isNaN || b.isNaN { return a.isNaN && b.isNaN ? 0 : .infinity }
    func place(_ x: Double) -> Int64 {
      dtype == .float64 ? Int64(x.magnitude.bitPattern) : Int64(Float(x.magnitude).bitPattern)
    }
    return a.sign == b.sign ? Double(abs(place(a) - place(b))) : Double(place(a)) + Double(place(b))
  }

  private func values(_ memory: KernelMemory, _ count: Int) -> [Double] {
    memory.read { base in
      (0..<count).map { index in
        memory.dtype == .float64
          ? base.loadUnaligned(fromByteOffset: 8 * index, as: Double.self)
          : Double(base.loadUnaligned(fromByteOffset: 4 * index, as: Float.self))
      }
    }
  }

  /// Each function of each table is within 4 units of what is right, those made of several within 8
  /// (Sources/CKernels/README.md).
  @Test(arguments: floats) func tablesAgreeWithinTheStatedError(_ dtype: DType) {
    var random = SeededGenerator(seed: 7)
    let (type, length) = (Int32(dtype.rawValue), 1000)
    for kind in 0..<3 {
      let x =
        kind == 0
        ? KernelMemory(dtype, length: length, filledWith: &random)
        : KernelMemory(extremes: dtype, length: length, using: &random)
      let y =
        kind == 1
        ? KernelMemory(dtype, length: length, filledWith: &random)
        : KernelMemory(extremes: dtype, length: length, using: &random)
      let (xs, ys) = (values(x, length), values(y, length))
      func compare(
        _ what: String, _ bound: Double, floor: (Int) -> Double, _ run: (OpaquePointer, UnsafeMutableRawPointer) -> Void
      ) {
        let results = Kernels.all.map { table in
          var memory = KernelMemory(dtype, length: length)
          memory.write { run(table, $0) }
          return values(memory, length)
        }
        for result in results.dropFirst() {
          for index in 0..<length where distance(results[0][index], result[index], dtype) > bound {
            let unit = dtype == .float64 ? floor(index).ulp : Double(Float(floor(index)).ulp)
            let isNear = abs(results[0][index] - result[index]) <= bound * unit
            #expect(isNear, "\(what) \(dtype) of \(xs[index]), \(ys[index]): \(results[0][index]), \(result[index])")
          }
        }
      }
      for op in Self.unary {
        compare(
          "unary \(op)", [CK_SOFTPLUS, CK_LOG_SIGMOID].contains { op == $0.rawValue } ? 16 : 8, floor: { _ in 0 }
        ) { table, z in
          x.read { ck_unary(table, op, type)?(length, z, 1, $0, 1) }
        }
      }
      for op in Self.binary {
        // Beside its zeros, the error of logaddexp is relative to the larger operand.
        compare(
          "binary \(op)", op >= CK_LOGADDEXP.rawValue ? 16 : 8,
          floor: { op == CK_LOGADDEXP.rawValue ? max(xs[$0], ys[$0]) : 0 }
        ) {
          table, z in
          _ = x.read { x in y.read { y in ck_binary(table, op, type)?(length, z, 1, x, 1, y, 1) } }
        }
      }
    }
  }

  // MARK: Special values

  private static let infinity = Double.infinity
  private static let exactUnary: [(ck_unary_op, Double, Double)] = [
    (CK_EXP, -infinity, 0), (CK_EXP, infinity, infinity), (CK_EXP, 0, 1), (CK_EXP, -1000, 0), (CK_EXP, 1000, infinity),
    (CK_EXPM1, -0.0, -0.0),
    (CK_EXPM1, -1000, -1), (CK_LOG, 0, -infinity), (CK_LOG, -0.0, -infinity), (CK_LOG, -1, .nan), (CK_LOG, 1, 0),
    (CK_LOG, infinity, infinity),
    (CK_LOG1P, -1, -infinity), (CK_LOG1P, -2, .nan), (CK_LOG1P, -0.0, -0.0), (CK_LOG2, 8, 3), (CK_LOG10, 0, -infinity),
    (CK_SIN, infinity, .nan), (CK_SIN, -0.0, -0.0), (CK_COS, -infinity, .nan), (CK_COS, 0, 1), (CK_TAN, infinity, .nan),
    (CK_TAN, -0.0, -0.0),
    (CK_ASIN, 1.5, .nan), (CK_ACOS, 1, 0), (CK_ACOS, -1.5, .nan), (CK_ATAN, -0.0, -0.0),
    (CK_SINH, -infinity, -infinity),
    (CK_COSH, -infinity, infinity), (CK_TANH, infinity, 1), (CK_TANH, -1000, -1), (CK_ASINH, -infinity, -infinity),
    (CK_ACOSH, 1, 0),
    (CK_ACOSH, 0.5, .nan), (CK_ATANH, 1, infinity), (CK_ATANH, -1, -infinity), (CK_ATANH, 2, .nan),
    (CK_ERF, infinity, 1),
    (CK_ERF, -0.0, -0.0),
    (CK_ERFC, -infinity, 2), (CK_ERFC, infinity, 0), (CK_SIGMOID, infinity, 1), (CK_SIGMOID, -infinity, 0),
    (CK_SIGMOID, 0, 0.5),
    (CK_SCALED_ERFC, -infinity, 8192), (CK_SCALED_ERFC, infinity, 0), (CK_SCALED_SIGMOID, infinity, 4096),
    (CK_SCALED_SIGMOID, -infinity, 0), (CK_SCALED_GAUSSIAN, infinity, 0), (CK_SCALED_SECH2, -infinity, 0),
    (CK_SOFTPLUS, infinity, infinity), (CK_SOFTPLUS, -infinity, 0), (CK_SOFTPLUS, 1000, 1000),
    (CK_LOG_SIGMOID, infinity, -0.0),
    (CK_LOG_SIGMOID, -infinity, -infinity), (CK_LOG_SIGMOID, -1000, -1000),
  ]
  private static let exactBinary: [(ck_binary_op, Double, Double, Double)] = [
    (CK_POW, .nan, 0, 1), (CK_POW, 1, .nan, 1), (CK_POW, 0, -1, infinity), (CK_POW, -0.0, -1, -infinity),
    (CK_POW, -0.0, 3, -0.0),
    (CK_POW, -1, infinity, 1), (CK_POW, -8, 1.0 / 3, .nan), (CK_POW, -2, 3, -8), (CK_POW, -infinity, -3, -0.0),
    (CK_POW, 0.5, -infinity, infinity),
    (CK_ATAN2, -0.0, 1, -0.0), (CK_ATAN2, 0, 1, 0), (CK_HYPOT, .nan, infinity, infinity), (CK_HYPOT, -3, 4, 5),
    (CK_HYPOT, 0, -0.0, 0),
    (CK_LOGADDEXP, -infinity, -infinity, -infinity), (CK_LOGADDEXP, infinity, infinity, infinity),
    (CK_LOGADDEXP, infinity, -infinity, infinity),
    (CK_LOGADDEXP, -infinity, 2.5, 2.5), (CK_LOGADDEXP, 2.5, -infinity, 2.5), (CK_LOGADDEXP, .nan, infinity, .nan),
    (CK_LOGADDEXP, -infinity, .nan, .nan), (CK_XLOGY, 0, 0, 0), (CK_XLOGY, 0, -1, 0), (CK_XLOGY, 0, infinity, 0),
    (CK_XLOGY, 0, .nan, .nan),
    (CK_XLOGY, .nan, 0, .nan), (CK_XLOGY, 2, 0, -infinity), (CK_XLOGY, 2, -1, .nan),
  ]

  @Test(arguments: floats) func specialValuesAreExact(_ dtype: DType) {
    let type = Int32(dtype.rawValue)
    func expect(
      _ what: String, _ operands: [Double], _ expected: Double,
      _ run: (OpaquePointer, UnsafeMutableRawPointer, [Tensor]) -> Void
    ) {
      let tensors = operands.map { Tensor($0).converted(to: dtype) }
      for table in Kernels.all {
        let result = Tensor(TensorType(dtype, [])) { run(table, $0, tensors) }.doubles[0]
        let same = expected.isNaN ? result.isNaN : result == expected && result.sign == expected.sign
        #expect(
          same, "\(String(cString: ck_name(table))) \(what) \(dtype) of \(operands) is \(result), not \(expected)")
      }
    }
    for (op, x, expected) in Self.exactUnary {
      expect("\(op)", [x], expected) { table, z, x in
        ck_unary(table, Int32(op.rawValue), type)?(1, z, 1, x[0].storage.base, 1)
      }
    }
    for op in Self.unary {
      expect("\(op)", [.nan], .nan) { table, z, x in ck_unary(table, op, type)?(1, z, 1, x[0].storage.base, 1) }
    }
    for (op, x, y, expected) in Self.exactBinary {
      expect("\(op)", [x, y], expected) { table, z, x in
        _ = ck_binary(table, Int32(op.rawValue), type)?(1, z, 1, x[0].storage.base, 1, x[1].storage.base, 1)
      }
    }
  }

  /// Casts check many elements at a time, but tell the first that does not fit.
  @Test func castsTellTheFirstMisfit() {
    for table in Kernels.all {
      for position in [0, 1, 63, 255, 256, 257, 511, 999] {
        for stride in [1, 2] {
          var values = [Double](repeating: 1.5, count: 2000)
          for misfit in position..<1000 { values[misfit * stride] = misfit % 2 == 0 ? .nan : 1e30 }
          var result = [Int32](repeating: 7, count: 1000)
          let refused = ck_cast(table, Int32(CK_FLOAT64.rawValue), Int32(CK_INT32.rawValue))?(
            1000, &result, 1, values, stride)
          #expect(refused == position)
          #expect(result.prefix(position).allSatisfy { $0 == 1 } && result.dropFirst(position).allSatisfy { $0 == 7 })
        }
      }
    }
  }
}
