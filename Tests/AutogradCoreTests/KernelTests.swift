import AutogradTestSupport
import CKernels
import Testing

@testable import AutogradCore

extension Kernels {
  /// The tables that this processor can run.
  static var all: [OpaquePointer] {
    var tables: [OpaquePointer?] = [nil, nil, nil]
    let count = ck_all_kernels(&tables)
    return tables.prefix(count).compactMap { $0 }
  }
}

/// The C kernels by themselves: every table that this processor can run gives the same bits, along any strides.
/// Elementary functions, where tables may differ, are those of ``FunctionKernelTests``.
@Suite struct KernelTests {
  let tables = Kernels.all

  /// Lengths around the widths of vectors, lanes, tiles and blocks.
  static let lengths = [0, 1, 3, 15, 16, 17, 33, 100, 129, 1000]
  static let strides = [1, 0, -1, 2, -3]

  /// Runs one kernel of every table on the same data; all must leave the same memory behind.
  private func expectAgreement(
    _ what: String, _ target: DType, length: Int, _ run: (_ table: OpaquePointer, _ z: UnsafeMutableRawPointer) -> Void
  ) {
    var first: [UInt8]?
    for table in tables {
      var memory = KernelMemory(target, length: length)
      memory.write { run(table, $0) }
      if let first {
        #expect(memory.bytes == first, "\(what), length \(length): \(String(cString: ck_name(table)))")
      } else {
        first = memory.bytes
      }
    }
  }

  @Test func thereAreTables() {
    #expect(tables.count >= 1)
    #expect(String(cString: ck_name(tables[0])) == "baseline")
    #expect(Kernels.best == tables.last)
    #expect(["baseline", "avx2", "avx512"].contains(Kernels.instructionSet))
  }

  /// All have the same entries, and every dtype that an operation takes is among them.
  @Test func tablesHaveTheSameEntries() {
    for table in tables {
      for (index, dtype) in DType.allCases.enumerated() {
        let index = Int32(index)
        #expect((ck_copy(table, index) != nil))
        for op in 0..<Int32(CK_REDUCE_COUNT.rawValue) {
          let isTaken =
            switch ck_reduce_op(UInt32(op)) {
            case CK_ALL, CK_ANY: dtype == .bool
            case CK_MEAN, CK_MEAN_SQUARE, CK_LENGTH_CODE, CK_REST, CK_SCALE: dtype.isFloating
            default: dtype.isNumeric
            }
          #expect((ck_reduce(table, op, index) != nil) == isTaken)
        }
        for op in 0..<Int32(CK_SCAN_COUNT.rawValue) {
          let floating = [CK_PRODUCT_TERMS, CK_LOGCUMSUMEXP, CK_DEVIATIONS, CK_WEIGHTED_DEVIATIONS, CK_WITHOUT_SHARE]
          let isTaken = floating.contains { $0.rawValue == UInt32(op) } ? dtype.isFloating : dtype.isNumeric
          #expect((ck_scan(table, op, index) != nil) == isTaken)
        }
        for isNarrow in [false, true] {
          #expect(ck_gather(table, index, isNarrow) != nil && ck_scatter(table, index, isNarrow) != nil)
          #expect((ck_scatter_add(table, index, isNarrow) != nil) == dtype.isFloating)
          #expect((ck_scatter_max(table, index, isNarrow) != nil) == dtype.isFloating)
        }
        #expect((ck_matmul(table, index) != nil) == dtype.isNumeric)
        #expect(ck_select(table, index) != nil)
        for op in 0..<Int32(CK_UNARY_COUNT.rawValue) {
          #expect((ck_unary(table, op, index) == nil) == (ck_unary(tables[0], op, index) == nil))
        }
        for op in 0..<Int32(CK_BINARY_COUNT.rawValue) {
          #expect((ck_binary(table, op, index) == nil) == (ck_binary(tables[0], op, index) == nil))
        }
        for function in PointwiseFunction.all where function.reference.dtypes.admits(dtype) {
          switch function.kernel {
          case .unary(let kernel):
            #expect(ck_unary(table, Int32(kernel.rawValue), index) != nil, "\(function.opcode) \(dtype)")
          case .binary(let kernel), .ternary(let kernel), .family(let kernel, _):
            #expect(ck_binary(table, Int32(kernel.rawValue), index) != nil, "\(function.opcode) \(dtype)")
          }
        }
        for to in DType.allCases { #expect((ck_cast(table, index, Int32(to.rawValue)) != nil) == (to != dtype)) }
      }
    }
  }

  @Test(arguments: DType.allCases) func elementwiseKernelsAgree(_ dtype: DType) {
    var random = SeededGenerator(seed: 1)
    let type = Int32(dtype.rawValue)
    for length in Self.lengths {
      let x = KernelMemory(dtype, length: length, filledWith: &random)
      let y = KernelMemory(dtype, length: length, filledWith: &random)
      for dx in Self.strides {
        for dz in Self.strides where dz != 0 {
          expectAgreement("copy \(dtype) \(dz) \(dx)", dtype, length: length) { table, z in
            x.read { ck_copy(table, type)?(length, z, dz, $0, dx) }
          }
          for op in 0..<Int32(CK_UNARY_COUNT.rawValue) where !FunctionKernelTests.unary.contains(op) {
            expectAgreement("unary \(op) \(dtype) \(dz) \(dx)", dtype, length: length) { table, z in
              x.read { ck_unary(table, op, type)?(length, z, dz, $0, dx) }
            }
          }
          for op in 0..<Int32(CK_BINARY_COUNT.rawValue) where !FunctionKernelTests.binary.contains(op) {
            for dy in Self.strides {
              expectAgreement("binary \(op) \(dtype) \(dz) \(dx) \(dy)", dtype, length: length) { table, z in
                _ = x.read { x in y.read { y in ck_binary(table, op, type)?(length, z, dz, x, dx, y, dy) } }
              }
            }
          }
        }
      }
    }
  }

  /// The two results of the one pass are those of the two kernels, in each table.
  @Test(arguments: [DType.float64, .float32]) func tanhWithItsSlopeIsItsParts(_ dtype: DType) {
    var random = SeededGenerator(seed: 13)
    let type = Int32(dtype.rawValue)
    for length in Self.lengths {
      for x in [
        KernelMemory(dtype, length: length, filledWith: &random),
        KernelMemory(extremes: dtype, length: length, using: &random),
      ] {
        for table in tables {
          var (tanh, slope) = (KernelMemory(dtype, length: length), KernelMemory(dtype, length: length))
          tanh.write { z in slope.write { slope in x.read { ck_tanh_with_slope(table, type)?(length, z, slope, $0) } } }
          for (op, found) in [(CK_TANH, tanh), (CK_SECH2, slope)] {
            var expected = KernelMemory(dtype, length: length)
            expected.write { z in x.read { ck_unary(table, Int32(op.rawValue), type)?(length, z, 1, $0, 1) } }
            let isSame = found.bytes == expected.bytes
            #expect(isSame, "\(op) \(dtype), length \(length): \(String(cString: ck_name(table)))")
          }
        }
      }
    }
  }

  /// A pair gives the bits of its two kernels in turn, in each table, along the strides that regions have.
  @Test(arguments: [DType.float64, .float32]) func pairsAreTheirParts(_ dtype: DType) {
    var random = SeededGenerator(seed: 12)
    let type = Int32(dtype.rawValue)
    // What follows the first operation, and whether it has its result on the right.
    let seconds: [(ck_second_op, ck_binary_op?, swapped: Bool)] = [
      (CK_THEN_ADD, CK_ADD, false), (CK_THEN_SUB, CK_SUB, false), (CK_THEN_SUB_FROM, CK_SUB, true),
      (CK_THEN_MUL, CK_MUL, false),
      (CK_THEN_DIV, CK_DIV, false), (CK_THEN_DIV_INTO, CK_DIV, true), (CK_THEN_NEG, nil, false),
    ]
    #expect(seconds.count == CK_SECOND_COUNT.rawValue)
    for length in Self.lengths {
      let operands = (0..<3).map { _ in KernelMemory(extremes: dtype, length: length, using: &random) }
      for layout in 0..<9 {
        let (dx, dy, dw) = layout < 8 ? (layout & 1, layout >> 1 & 1, layout >> 2) : (2, -1, 3)
        for table in tables {
          for first in Int32(CK_ADD.rawValue)...Int32(CK_DIV.rawValue) {
            let t = Tensor(TensorType(dtype, [length])) { t in
              _ = operands[0].read { x in
                operands[1].read { y in ck_binary(table, first, type)?(length, t, 1, x, dx, y, dy) }
              }
            }
            for (second, function, swapped) in seconds {
              let expected = Tensor(TensorType(dtype, [length])) { z in
                guard let function else {
                  ck_unary(table, Int32(CK_NEG.rawValue), type)?(length, z, 1, t.storage.base, 1)
                  return
                }
                operands[2].read { w in
                  let kernel = ck_binary(table, Int32(function.rawValue), type)
                  _ =
                    swapped
                    ? kernel?(length, z, 1, w, dw, t.storage.base, 1) : kernel?(length, z, 1, t.storage.base, 1, w, dw)
                }
              }
              let paired = Tensor(TensorType(dtype, [length])) { z in
                operands[0].read { x in
                  operands[1].read { y in
                    operands[2].read { w in
                      ck_pair(table, first, Int32(second.rawValue), type)?(length, z, x, dx, y, dy, w, dw)
                    }
                  }
                }
              }
              let difference = Comparison.bits([paired], [expected])
              #expect(
                difference == nil,
                "\(String(cString: ck_name(table))) \(first) \(second) \(dx) \(dy) \(dw), length \(length)")
            }
          }
        }
      }
    }
  }

  @Test(arguments: DType.allCases, DType.allCases) func castsAgree(_ from: DType, _ to: DType) {
    var random = SeededGenerator(seed: 2)
    for length in Self.lengths {
      let x = KernelMemory(from, length: length, filledWith: &random)
      for dx in Self.strides {
        for dz in Self.strides where dz != 0 {
          expectAgreement("cast \(from) \(to) \(dz) \(dx)", to, length: length) { table, z in
            let refused = x.read { ck_cast(table, Int32(from.rawValue), Int32(to.rawValue))?(length, z, dz, $0, dx) }
            #expect(refused ?? -1 == -1)
          }
        }
      }
    }
  }

  @Test(arguments: DType.allCases, 0..<CK_REDUCE_COUNT.rawValue) func reductionsAgree(
    _ dtype: DType, _ function: UInt32
  ) {
    guard ck_reduce(tables[0], Int32(function), Int32(dtype.rawValue)) != nil else { return }
    let target = function >= CK_ARGMAX.rawValue ? DType.int64 : dtype
    var random = SeededGenerator(seed: 3)
    for (columns, rows) in [
      (1, 0), (1, 1), (1, 15), (1, 17), (1, 5000), (3, 100), (32, 33), (33, 40), (70, 17), (5, 4097), (0, 3), (2, 9000),
    ] {
      let x = Tensor.random(TensorType(dtype, [max(columns * rows, 1)]), using: &random)
      for (columnStride, rowStride) in [(1, columns), (rows, 1)] {
        expectAgreement("\(function) \(dtype) \(columns) by \(rows) stride \(columnStride)", target, length: columns) {
          table, z in
          ck_reduce(table, Int32(function), Int32(dtype.rawValue))?(
            columns, rows, z, x.storage.base, columnStride, rowStride, nil)
        }
      }
    }
  }

  /// Whatever the shape and strides, every element is added up in the one order, which the interpreter spells out for
  /// the best table. The others have the same order and differ by the rounding of multiply-adds at most.
  /// Running extrema and logarithms of sums, forwards over every second element and backwards.
  @Test(arguments: [DType.float64, .float32], [CK_CUMMAX, CK_CUMMIN, CK_LOGCUMSUMEXP].map(\.rawValue))
  func runningScansAgree(_ dtype: DType, _ function: UInt32) {
    var random = SeededGenerator(seed: 12)
    let x = Tensor.random(TensorType(dtype, [999]), using: &random)
    let width = dtype.byteWidth
    for step in [2, -1] {
      let start = step > 0 ? 0 : 998
      var results: [[UInt8]] = []
      for table in tables {
        let z = Tensor.zeros(TensorType(.int64, [500]))
        ck_scan(table, Int32(function), Int32(dtype.rawValue))?(
          500, z.storage.base, 1, x.storage.base + start * width, step, nil, 0, nil)
        results.append(Array(UnsafeRawBufferPointer(start: z.storage.base, count: 4000)))
      }
      #expect(results.allSatisfy { $0 == results[0] } && results[0].contains { $0 != 0 })
    }
  }

  @Test(arguments: DType.allCases.filter(\.isNumeric)) func matrixProductsAgree(_ dtype: DType) {
    var random = SeededGenerator(seed: 4)
    for (m, n, k) in [
      (0, 3, 2), (3, 0, 2), (3, 2, 0), (1, 1, 1), (1, 200, 3), (5, 7, 9), (4, 128, 64), (6, 130, 70), (9, 33, 129),
      (2, 3, 300),
      (97, 31, 2),
      (17, 1025, 5), (35, 40, 513),
    ] {
      let x = Tensor.random(TensorType(dtype, [max(m * k, 1)]), using: &random)
      let y = Tensor.random(TensorType(dtype, [max(k * n, 1)]), using: &random)
      for (xRow, xColumn) in [(k, 1), (1, m), (0, 1)] {
        for (yRow, yColumn) in [(n, 1), (1, k), (0, 0)] {
          let products = tables.map { table in
            Tensor(TensorType(dtype, [m, n])) {
              ck_matmul(table, Int32(dtype.rawValue))?(
                m, n, k, $0, x.storage.base, xRow, xColumn, y.storage.base, yRow, yColumn, nil)
            }
          }
          for product in products {
            #expect(
              Comparison.close([product], [products[0]], tolerance: dtype == .float32 ? 1e-5 : 1e-13) == nil,
              "\(dtype) \(m) \(n) \(k)")
          }
          guard dtype.isFloating else { continue }
          // One element by itself, as a product of its own.
          for element in stride(from: 0, to: m * n, by: max(m * n / 7, 1)) {
            let single = Tensor(TensorType(dtype, [1, 1])) {
              let (row, column) = (element / n * xRow * dtype.byteWidth, element % n * yColumn * dtype.byteWidth)
              ck_matmul(Kernels.best, Int32(dtype.rawValue))?(
                1, 1, k, $0, x.storage.base + row, xRow, xColumn, y.storage.base + column, yRow, yColumn, nil)
            }
            #expect(single.doubles[0] == products.last?.doubles[element], "\(dtype) \(m) \(n) \(k)")
          }
        }
      }
    }
  }

  /// A rectangle of a product, computed by itself, has the bits it has in the whole: so a product can be split over
  /// threads anyhow. Sizes reach beyond tiles, strips, blocks and the depth at which sums are cut.
  @Test(arguments: [DType.float64, .float32]) func partsOfProductsHaveTheBitsOfTheWhole(_ dtype: DType) {
    var random = SeededGenerator(seed: 6)
    let width = dtype.byteWidth
    for round in 0..<24 {
      let (m, n) = (random.int(1...(round % 3 == 0 ? 250 : 60)), random.int(1...(round % 4 == 0 ? 300 : 60)))
      let k = random.int(1...(round % 2 == 0 ? 600 : 40))
      let x = Tensor.random(TensorType(dtype, [m * k]), using: &random)
      let y = Tensor.random(TensorType(dtype, [k * n]), using: &random)
      let (xRow, xColumn) = random.chance(0.5) ? (k, 1) : (1, m)
      let (yRow, yColumn) = random.chance(0.5) ? (n, 1) : (1, k)
      for table in tables {
        func product(_ rows: Range<Int>, _ columns: Range<Int>) -> Tensor {
          Tensor(TensorType(dtype, [rows.count, columns.count])) {
            ck_matmul(table, Int32(dtype.rawValue))?(
              rows.count, columns.count, k, $0, x.storage.base + rows.lowerBound * xRow * width, xRow, xColumn,
              y.storage.base + columns.lowerBound * yColumn * width, yRow, yColumn, nil)
          }
        }
        let whole = product(0..<m, 0..<n).doubles
        let (row, column) = (random.int(0...m), random.int(0...n))
        for (rows, columns) in [
          (0..<row, 0..<column), (0..<row, column..<n), (row..<m, 0..<column), (row..<m, column..<n),
        ] {
          let expected = rows.flatMap { whole[($0 * n + columns.lowerBound)..<($0 * n + columns.upperBound)] }
          #expect(
            product(rows, columns).doubles.map(\.bitPattern) == expected.map(\.bitPattern),
            "\(String(cString: ck_name(table))) \(dtype) \(m) \(n) \(k): rows \(rows), columns \(columns)")
        }
      }
    }
  }

  /// A matrix that lies in rows and the same one in columns are multiplied by a vector in one order, which does not
  /// depend on its stride.
  @Test(arguments: [DType.float64, .float32]) func productsWithVectorsAgree(_ dtype: DType) {
    var random = SeededGenerator(seed: 5)
    for (m, k) in [(0, 3), (3, 0), (1, 1), (5, 15), (16, 16), (33, 17), (40, 100)] {
      let x = Tensor.random(TensorType(dtype, [m, k]), using: &random)
      let columns = x.gathered(to: [k, m]) { [$0[1], $0[0]] }
      let y = Tensor.random(TensorType(dtype, [k]), using: &random)
      let spread = y.gathered(to: [k, 2]) { [$0[0]] }
      for table in tables {
        func product(_ matrix: Tensor, _ row: Int, _ column: Int, _ vector: Tensor, _ step: Int) -> Tensor {
          Tensor(TensorType(dtype, [m])) {
            ck_matvec(table, Int32(dtype.rawValue))?(
              m, k, $0, matrix.storage.base, row, column, vector.storage.base, step, nil)
          }
        }
        let expected = product(x, k, 1, y, 1)
        #expect(Comparison.bits([product(columns, 1, m, y, 1)], [expected]) == nil, "\(m) by \(k), columns")
        #expect(Comparison.bits([product(x, k, 1, spread, 2)], [expected]) == nil, "\(m) by \(k), strided vector")
      }
    }
  }
}

/// Memory that strides from -4 to 4 can walk for a length, starting in the middle.
struct KernelMemory {
  var bytes: [UInt8]
  var dtype: DType
  var middle: Int

  init(_ dtype: DType, length: Int, filledWith random: inout SeededGenerator) {
    self.dtype = dtype
    let reach = 4 * length + 4
    middle = reach * dtype.byteWidth
    bytes = Tensor.random(TensorType(dtype, [2 * reach]), using: &random).withUnsafeBytes { Array($0) }
  }

  /// Floats of every size, and special values among them.
  init(extremes dtype: DType, length: Int, using random: inout SeededGenerator) {
    self.init(dtype, length: length)
    let special: [Double] = [
      0, -0.0, 1, -1, .infinity, -.infinity, .nan, .leastNonzeroMagnitude, 1e-40, 1e30, -1e300, 750, -750, 100, -100,
    ]
    bytes.withUnsafeMutableBytes { bytes in
      for index in 0..<(bytes.count / dtype.byteWidth) {
        let ordinary = Double(
          sign: random.chance(0.5) ? .minus : .plus, exponent: random.int(-40...8),
          significand: Double.random(in: 1..<2, using: &random))
        let value = random.chance(0.2) ? random.pick(special) : ordinary
        if dtype == .float64 {
          bytes.storeBytes(of: value, toByteOffset: 8 * index, as: Double.self)
        } else {
          bytes.storeBytes(of: Float(value), toByteOffset: 4 * index, as: Float.self)
        }
      }
    }
  }

  /// Filled with a pattern, so that writes outside of the target show.
  init(_ dtype: DType, length: Int) {
    self.dtype = dtype
    let reach = 4 * length + 4
    middle = reach * dtype.byteWidth
    bytes = Array(repeating: 0xA5, count: 2 * middle)
  }

  func read<R>(_ body: (UnsafeRawPointer) -> R) -> R {
    bytes.withUnsafeBytes { body($0.baseAddress! + middle) }
  }

  mutating func write<R>(_ body: (UnsafeMutableRawPointer) -> R) -> R {
    bytes.withUnsafeMutableBytes { body($0.baseAddress! + middle) }
  }
}
