import AutogradTestSupport
import CKernels
import Testing

@testable import AutogradCore

/// The C kernels by themselves: every table that this processor can run gives the same bits, along any strides.
@Suite struct KernelTests {
  let tables: [OpaquePointer] = {
    var tables: [OpaquePointer?] = [nil, nil, nil]
    let count = ck_all_kernels(&tables)
    return tables.prefix(count).compactMap { $0 }
  }()

  /// Lengths around the widths of vectors, lanes, tiles and blocks.
  static let lengths = [0, 1, 3, 15, 16, 17, 33, 100, 129, 1000]
  static let strides = [1, 0, -1, 2, -3]

  /// Memory that strides from -4 to 4 can walk for a length, starting in the middle.
  private struct Memory {
    var bytes: [UInt8]
    var dtype: DType
    var middle: Int

    init(_ dtype: DType, length: Int, filledWith random: inout SeededGenerator) {
      self.dtype = dtype
      let reach = 4 * length + 4
      middle = reach * dtype.byteWidth
      bytes = Tensor.random(TensorType(dtype, [2 * reach]), using: &random).withUnsafeBytes { Array($0) }
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

  /// Runs one kernel of every table on the same data; all must leave the same memory behind.
  private func expectAgreement(
    _ what: String, _ target: DType, length: Int, _ run: (_ table: OpaquePointer, _ z: UnsafeMutableRawPointer) -> Void
  ) {
    var first: [UInt8]?
    for table in tables {
      var memory = Memory(target, length: length)
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
          let isLogical = op == CK_ALL.rawValue || op == CK_ANY.rawValue
          #expect((ck_reduce(table, op, index) != nil) == (dtype.isNumeric != isLogical))
        }
        for op in 0..<Int32(CK_SCAN_COUNT.rawValue) { #expect((ck_scan(table, op, index) != nil) == dtype.isNumeric) }
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
          case .unary(let kernel): #expect(ck_unary(table, Int32(kernel.rawValue), index) != nil, "\(function.opcode) \(dtype)")
          case .binary(let kernel): #expect(ck_binary(table, Int32(kernel.rawValue), index) != nil, "\(function.opcode) \(dtype)")
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
      let x = Memory(dtype, length: length, filledWith: &random)
      let y = Memory(dtype, length: length, filledWith: &random)
      for dx in Self.strides {
        for dz in Self.strides where dz != 0 {
          expectAgreement("copy \(dtype) \(dz) \(dx)", dtype, length: length) { table, z in
            x.read { ck_copy(table, type)?(length, z, dz, $0, dx) }
          }
          for op in 0..<Int32(CK_UNARY_COUNT.rawValue) {
            expectAgreement("unary \(op) \(dtype) \(dz) \(dx)", dtype, length: length) { table, z in
              x.read { ck_unary(table, op, type)?(length, z, dz, $0, dx) }
            }
          }
          for op in 0..<Int32(CK_BINARY_COUNT.rawValue) {
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

  @Test(arguments: DType.allCases, DType.allCases) func castsAgree(_ from: DType, _ to: DType) {
    var random = SeededGenerator(seed: 2)
    for length in Self.lengths {
      let x = Memory(from, length: length, filledWith: &random)
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

  @Test(arguments: DType.allCases, 0..<CK_REDUCE_COUNT.rawValue) func reductionsAgree(_ dtype: DType, _ function: UInt32) {
    guard ck_reduce(tables[0], Int32(function), Int32(dtype.rawValue)) != nil else { return }
    let target = function >= CK_ARGMAX.rawValue ? DType.int64 : dtype
    var random = SeededGenerator(seed: 3)
    for (columns, rows) in [
      (1, 0), (1, 1), (1, 15), (1, 17), (1, 5000), (3, 100), (32, 33), (33, 40), (70, 17), (5, 4097), (0, 3), (2, 9000),
    ] {
      let x = Tensor.random(TensorType(dtype, [max(columns * rows, 1)]), using: &random)
      for (columnStride, rowStride) in [(1, columns), (rows, 1)] {
        expectAgreement("\(function) \(dtype) \(columns) by \(rows) stride \(columnStride)", target, length: columns) { table, z in
          ck_reduce(table, Int32(function), Int32(dtype.rawValue))?(columns, rows, z, x.storage.base, columnStride, rowStride)
        }
      }
    }
  }

  @Test(arguments: DType.allCases.filter(\.isNumeric)) func matrixProductsAgree(_ dtype: DType) {
    var random = SeededGenerator(seed: 4)
    for (m, n, k) in [
      (0, 3, 2), (3, 0, 2), (3, 2, 0), (1, 1, 1), (1, 200, 3), (5, 7, 9), (4, 128, 64), (6, 130, 70), (9, 33, 129), (2, 3, 300),
    ] {
      let x = Tensor.random(TensorType(dtype, [max(m * k, 1)]), using: &random)
      let y = Tensor.random(TensorType(dtype, [max(k * n, 1)]), using: &random)
      for (xRow, xColumn) in [(k, 1), (1, m), (0, 1)] {
        for (yRow, yColumn) in [(n, 1), (1, k), (0, 0)] {
          expectAgreement("matmul \(dtype) \(m) \(n) \(k)", dtype, length: m * n) { table, z in
            ck_matmul(table, Int32(dtype.rawValue))?(m, n, k, z, x.storage.base, xRow, xColumn, y.storage.base, yRow, yColumn)
          }
        }
      }
    }
  }
}
