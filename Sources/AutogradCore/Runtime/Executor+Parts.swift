import CKernels

// Large instructions in parts, by several threads. An element's result does not depend on the part it is in, and sums
// keep their order: reductions are split only at the boundaries of their blocks, and products never along the summed
// axis. So the bytes do not depend on the number of threads.

extension Program {
  private typealias Bases = UnsafePointer<UnsafeMutableRawPointer>

  /// Elements of a part: small enough that the last one is not waited for long, and a boundary at which reductions can
  /// be joined.
  private static let partLength = Int(CK_REDUCE_PART)
  /// Elementary operations that take 250 µs, see ``Crew``: elementwise at 0.06 ns in the first cache, or bound by
  /// memory.
  private static let worthwhileElements = 1 << 19
  private static let worthwhileOperations = 1 << 22
  /// Multiply-adds: 80 in a nanosecond.
  private static let worthwhileProducts = 1 << 24

  // MARK: Regions

  /// - Returns: false, with nothing done, if the instruction is too small.
  func runInParts(
    _ region: Region, _ members: UnsafeBufferPointer<Member>, _ bases: UnsafePointer<UnsafeMutableRawPointer>,
    rows: Int, inner: Int,
    _ stop: StopFlag
  ) -> Bool {
    let count = rows * inner
    let isLarge =
      count >= Program.worthwhileElements
      || (count > Program.partLength && count * members.count >= Program.worthwhileOperations)
    // Reductions go over all elements in order; only within one row does a seam of theirs fall on a part's end.
    guard isLarge, Parallelism.threads > 1, rows == 1 || !region.reduces else { return false }
    let states = members.filter { $0.kind == .reduce }
    let partCount = (count + Program.partLength - 1) / Program.partLength
    // The partial results of each part's reductions.
    let partials = UnsafeMutableRawPointer.allocate(
      byteCount: max(partCount * states.count, 1) * Int(CK_REDUCE_STATE), alignment: 64)
    defer { partials.deallocate() }
    func partial(_ part: Int, _ state: Int) -> UnsafeMutableRawPointer {
      partials + (part * states.count + state) * Int(CK_REDUCE_STATE)
    }

    let rowsInPart = rows == 1 ? 1 : (rows + partCount - 1) / partCount
    Crew.shared.run(rows == 1 ? partCount : (rows + rowsInPart - 1) / rowsInPart) { parts in
      withOwnMemory(bases) { bases in
        while !stop.isRaised, let part = parts.next() {
          for member in states { Kernels.begin(member.function, member.dtype, member.y.base(bases)) }
          if rows == 1 {
            let columns = part * Program.partLength..<min((part + 1) * Program.partLength, inner)
            runTiles(region, members, bases, rows: 0..<1, columns: columns, inner: inner, stop)
          } else {
            let rows = part * rowsInPart..<min((part + 1) * rowsInPart, rows)
            runTiles(region, members, bases, rows: rows, columns: 0..<inner, inner: inner, stop)
          }
          for (index, member) in states.enumerated() {
            partial(part, index).copyMemory(from: member.y.base(bases), byteCount: Int(CK_REDUCE_STATE))
          }
        }
      }
    }
    // Parts that were not done have no partial results.
    if stop.isRaised { return true }
    for part in 0..<partCount where !states.isEmpty {
      for (index, member) in states.enumerated() {
        Kernels.join(member.function, member.dtype, member.y.base(bases), partial(part, index))
      }
    }
    return true
  }

  /// The same table of base pointers, but for the thread's own memory.
  private func withOwnMemory(_ bases: Bases, _ body: (Bases) -> Void) {
    withUnsafeTemporaryAllocation(of: UnsafeMutableRawPointer.self, capacity: baseCount) { table in
      withUnsafeTemporaryAllocation(byteCount: max(ownByteCount, 64), alignment: Storage.alignment) { own in
        guard let start = table.baseAddress, let memory = own.baseAddress else { return }
        start.initialize(from: bases, count: baseCount)
        start[Program.ownBase] = memory
        body(Bases(start))
      }
    }
  }

  // MARK: Single instructions

  /// Asked before ``forEachPart(of:_:)``, whose closure takes memory, which small instructions must not.
  func isWorthParts(_ count: Int) -> Bool { count >= Program.worthwhileElements && Parallelism.threads > 1 }

  /// Calls `body` with one range after the other of `count` elements, from several threads.
  func forEachPart(of count: Int, _ stop: StopFlag, _ body: @escaping (Range<Int>) -> Void) {
    Crew.shared.run((count + Program.partLength - 1) / Program.partLength) { parts in
      while !stop.isRaised, let part = parts.next() {
        body(part * Program.partLength..<min((part + 1) * Program.partLength, count))
      }
    }
  }

  /// One reduction of all that lies in a row.
  func reduceInParts(
    _ instruction: Instruction, rows: Int, _ z: UnsafeMutableRawPointer, _ x: UnsafeRawPointer, step: Int,
    _ stop: StopFlag
  ) -> Bool {
    let (function, dtype) = (instruction.function, instruction.dtype)
    guard isWorthParts(rows), UInt32(function) < CK_ARGMAX.rawValue else { return false }
    let size = Int(CK_REDUCE_STATE)
    let partCount = (rows + Program.partLength - 1) / Program.partLength
    let states = UnsafeMutableRawPointer.allocate(byteCount: (partCount + 1) * size, alignment: 64)
    defer { states.deallocate() }
    Crew.shared.run(partCount) { parts in
      while !stop.isRaised, let part = parts.next() {
        let (start, state) = (part * Program.partLength, states + part * size)
        Kernels.begin(function, dtype, state)
        let count = min(Program.partLength, rows - start)
        Kernels.feed(function, dtype)?(state, count, x + start * step * dtype.byteWidth, step)
      }
    }
    if stop.isRaised { return true }
    let whole = states + partCount * size
    Kernels.begin(function, dtype, whole)
    for part in 0..<partCount { Kernels.join(function, dtype, whole, states + part * size) }
    Kernels.finish(function, dtype, whole, into: z)
    return true
  }

  /// A single product by rows of the result: each part packs y anew, so there are no more than threads.
  func multiplyInParts(
    _ kernel: @escaping ck_matmul_fn, _ product: Product, width: Int, _ z: UnsafeMutableRawPointer,
    _ x: UnsafeRawPointer,
    _ y: UnsafeRawPointer, _ stop: StopFlag
  ) -> Bool {
    // In whole tiles of every table's registers.
    let grain = 12
    let threads = min(Parallelism.threads, product.m / (4 * grain))
    let (area, tooWide) = product.m.multipliedReportingOverflow(by: product.n)
    let (work, tooDeep) = area.multipliedReportingOverflow(by: product.k)
    guard threads > 1, tooWide || tooDeep || work >= Program.worthwhileProducts else { return false }
    let rows = (product.m / threads + grain - 1) / grain * grain
    Crew.shared.run((product.m + rows - 1) / rows) { parts in
      while !stop.isRaised, let part = parts.next() {
        let start = part * rows
        kernel(
          min(rows, product.m - start), product.n, product.k, z + start * product.n * width,
          x + start * product.xRow * width, product.xRow,
          product.xColumn, y, product.yRow, product.yColumn, stop)
      }
    }
    return true
  }
}
