import AutogradCore
import AutogradFormats
import AutogradHTTP
import Glibc

/// What a request works with beside its document. Requests leave it to their successors, so that answering one takes
/// nothing from the heap.
///
/// `@unchecked Sendable`: one request has it at a time.
final class RequestScratch: @unchecked Sendable {
  /// What decides the request's plan, see ``RequestOutline``.
  let key = ByteBuffer(capacity: 1024)
  /// Where a small answer is written, see ``AnswerTemplate``.
  let draft = ByteBuffer(capacity: 1024)
  /// The request's tensors, in the order of the outline.
  @exclusivity(unchecked) var tensors: [TensorSource] = []
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

  /// Takes over the other's block.
  func takeBlock(of other: RequestScratch) {
    free(block)
    (block, blockByteCount) = (other.block, other.blockByteCount)
    (other.block, other.blockByteCount) = (nil, 0)
  }

  /// Whether it may be kept however long nobody wants it.
  var isModest: Bool { blockByteCount <= ScratchPool.largestLasting }

  func clear() {
    key.removeAll()
    tensors.removeAll(keepingCapacity: true)
  }

  deinit { free(block) }
}

/// The scratch that no request has at the moment: at most ``mostKept`` of them, with so many bytes in all. Large blocks
/// are kept while requests follow each other, since memory from the system costs more than most of what is computed in
/// it.
final class ScratchPool: Sendable {
  static let mostKept = 16
  private let mostBytesKept: Int
  /// Bytes of a block that outlasts ``giveBack()``.
  static let largestLasting = 1 << 20
  private static let largestKeyKept = 1 << 20

  private struct Idle {
    var scratches: [RequestScratch] = []
    var byteCount = 0
  }

  private let idle = Locked(Idle())

  init(mostBytesKept: Int = .max) { self.mostBytesKept = min(mostBytesKept, 128 << 20) }

  func take() -> RequestScratch {
    idle.withLock { idle in
      guard let scratch = idle.scratches.popLast() else { return nil }
      idle.byteCount -= scratch.blockByteCount
      return scratch
    } ?? RequestScratch()
  }

  func give(_ scratch: RequestScratch) {
    guard scratch.key.capacity <= ScratchPool.largestKeyKept else { return }
    scratch.clear()
    idle.withLock { idle in
      guard idle.scratches.count < ScratchPool.mostKept, scratch.blockByteCount <= mostBytesKept - idle.byteCount else {
        return
      }
      idle.scratches.append(scratch)
      idle.byteCount += scratch.blockByteCount
    }
  }

  /// Leaves the block of what now has to wait to others: waiting requests would come to hold as many blocks as there
  /// are of them, each touched by whoever had it before.
  func park(_ scratch: RequestScratch) {
    if scratch.isModest { return }
    let other = RequestScratch()
    other.takeBlock(of: scratch)
    give(other)
  }

  /// Finds it a block again, where there is one.
  func unpark(_ scratch: RequestScratch) {
    if scratch.blockByteCount == 0 { scratch.takeBlock(of: take()) }
  }

  /// Frees the large blocks, for when nothing large has been asked for a while.
  func giveBack() {
    // Freed when the lock is no longer held.
    let large = idle.withLock { idle in
      let large = idle.scratches.filter { !$0.isModest }
      idle.scratches.removeAll { !$0.isModest }
      idle.byteCount = idle.scratches.reduce(0) { $0 + $1.blockByteCount }
      return large
    }
    withExtendedLifetime(large) {}
  }

  /// Of the blocks that are kept.
  var byteCount: Int { idle.withLock { $0.byteCount } }
}
