import AutogradCore
import AutogradFormats
import AutogradHTTP
import Glibc

/// The memory of a run and its answer. Later requests reuse it, so that answering allocates nothing.
///
/// `@unchecked Sendable`: one request has it at a time.
final class RunMemory: @unchecked Sendable {
  /// Small answers are written here, see ``AnswerTemplate``.
  let draft = ByteBuffer(capacity: 1024)
  /// Bytes of the smallest block.
  static let least = 4096
  @exclusivity(unchecked) private var block: UnsafeMutableRawPointer?
  @exclusivity(unchecked) private(set) var blockByteCount = 0

  /// Memory for a run, aligned as the core requires. It may hold bytes of earlier requests.
  func block(of byteCount: Int) -> UnsafeMutableRawPointer {
    if let block, blockByteCount >= byteCount { return block }
    free(block)
    let size = max(byteCount, RunMemory.least)
    let memory = AlignedMemory.allocate(size)
    block = memory
    blockByteCount = size
    return memory
  }

  /// Whether it may be kept for any time without use.
  fileprivate var isModest: Bool { blockByteCount <= RunMemoryPool.largestLasting }

  deinit { free(block) }

  /// The memory of one run. It returns to the pool when the lease ends, also after an error. A request takes a lease
  /// when it runs, not while it waits.
  struct Lease: ~Copyable {
    private let memory: RunMemory
    private let pool: RunMemoryPool

    fileprivate init(_ memory: RunMemory, _ pool: RunMemoryPool) {
      self.memory = memory
      self.pool = pool
    }

    var draft: ByteBuffer { memory.draft }
    var byteCount: Int { memory.blockByteCount }
    func block(of byteCount: Int) -> UnsafeMutableRawPointer { memory.block(of: byteCount) }

    deinit { pool.give(memory) }
  }
}

/// Memory that no run is using: at most ``mostKept`` blocks, within a limit in bytes. Large blocks are kept while
/// requests follow each other, because getting memory from the system takes longer than most runs.
final class RunMemoryPool: Sendable {
  static let mostKept = 16
  private let mostBytesKept: Int
  /// Blocks up to this size are kept by ``giveBack()``.
  static let largestLasting = 1 << 20

  private struct Idle {
    var memories: [RunMemory] = []
    var byteCount = 0
  }

  private let idle = Locked(Idle())

  init(mostBytesKept: Int = .max) { self.mostBytesKept = min(mostBytesKept, 128 << 20) }

  /// - Parameter most: the largest block that may be leased, for whoever keeps it for long: all of a block is counted.
  func lease(atMost most: Int = .max) -> RunMemory.Lease {
    let memory = idle.withLock { idle in
      guard let index = idle.memories.lastIndex(where: { $0.blockByteCount <= most }) else { return nil as RunMemory? }
      let memory = idle.memories.remove(at: index)
      idle.byteCount -= memory.blockByteCount
      return memory
    }
    return RunMemory.Lease(memory ?? RunMemory(), self)
  }

  fileprivate func give(_ memory: RunMemory) {
    idle.withLock { idle in
      guard idle.memories.count < RunMemoryPool.mostKept, memory.blockByteCount <= mostBytesKept - idle.byteCount else {
        return
      }
      idle.memories.append(memory)
      idle.byteCount += memory.blockByteCount
    }
  }

  /// Frees the large blocks. Called after a time without large requests.
  func giveBack() {
    // Freed outside the lock.
    let large = idle.withLock { idle in
      let large = idle.memories.filter { !$0.isModest }
      idle.memories.removeAll { !$0.isModest }
      idle.byteCount = idle.memories.reduce(0) { $0 + $1.blockByteCount }
      return large
    }
    withExtendedLifetime(large) {}
  }

  /// Total size of the kept blocks.
  var byteCount: Int { idle.withLock { $0.byteCount } }
}
