import AutogradCore
import AutogradFormats
import AutogradHTTP
import Glibc

/// What a run and its answer are written into. Requests leave it to their successors, so that answering one takes
/// nothing from the heap.
///
/// `@unchecked Sendable`: one request has it at a time.
final class RunMemory: @unchecked Sendable {
  /// Where a small answer is written, see ``AnswerTemplate``.
  let draft = ByteBuffer(capacity: 1024)
  @exclusivity(unchecked) private var block: UnsafeMutableRawPointer?
  @exclusivity(unchecked) private(set) var blockByteCount = 0

  /// Memory for a run, aligned as the core wants it. What earlier requests left in it is still there.
  func block(of byteCount: Int) -> UnsafeMutableRawPointer {
    if let block, blockByteCount >= byteCount { return block }
    free(block)
    let size = max(byteCount, 4096)
    let memory = AlignedMemory.allocate(size)
    block = memory
    blockByteCount = size
    return memory
  }

  /// Whether it may be kept however long nobody wants it.
  fileprivate var isModest: Bool { blockByteCount <= RunMemoryPool.largestLasting }

  deinit { free(block) }

  /// The memory of one run, which goes back to the pool with the lease: an error on the way cannot lose it. A request
  /// takes one when it runs, never while it waits.
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

/// The memory that no run has at the moment: at most ``mostKept`` blocks, with so many bytes in all. Large blocks are
/// kept while requests follow each other, since memory from the system costs more than most of what is computed in it.
final class RunMemoryPool: Sendable {
  static let mostKept = 16
  private let mostBytesKept: Int
  /// Bytes of a block that outlasts ``giveBack()``.
  static let largestLasting = 1 << 20

  private struct Idle {
    var memories: [RunMemory] = []
    var byteCount = 0
  }

  private let idle = Locked(Idle())

  init(mostBytesKept: Int = .max) { self.mostBytesKept = min(mostBytesKept, 128 << 20) }

  func lease() -> RunMemory.Lease {
    let memory = idle.withLock { idle in
      guard let memory = idle.memories.popLast() else { return nil as RunMemory? }
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

  /// Frees the large blocks, for when nothing large has been asked for a while.
  func giveBack() {
    // Freed when the lock is no longer held.
    let large = idle.withLock { idle in
      let large = idle.memories.filter { !$0.isModest }
      idle.memories.removeAll { !$0.isModest }
      idle.byteCount = idle.memories.reduce(0) { $0 + $1.blockByteCount }
      return large
    }
    withExtendedLifetime(large) {}
  }

  /// Of the blocks that are kept.
  var byteCount: Int { idle.withLock { $0.byteCount } }
}
