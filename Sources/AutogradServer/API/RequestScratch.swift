import AutogradCore
import Glibc

/// Where a request has the numbers of a tensor. Whoever reads another kind of body adds a case here and to ``TensorDecoder``.
enum TensorSource {
  /// A number, or nested or flat lists.
  case lists(JSONValue)
  /// Text that stands for bytes.
  case base64(JSONValue)
  /// The bytes themselves, anywhere in a body and so aligned to nothing.
  case bytes(UnsafeRawBufferPointer)
}

/// What a request works with beside its document. Requests leave it to their successors, so that answering one takes nothing from the heap.
///
/// `@unchecked Sendable`: one request has it at a time.
final class RequestScratch: @unchecked Sendable {
  /// What decides the request's plan, see ``RequestOutline``.
  let key = ByteBuffer(capacity: 1024)
  /// The request's tensors, in the order of the outline.
  @exclusivity(unchecked) var tensors: [TensorSource] = []
  @exclusivity(unchecked) private var block: UnsafeMutableRawPointer?
  @exclusivity(unchecked) private(set) var blockByteCount = 0

  private static let hugePage = 2 << 20

  /// Memory for a run, aligned as the core wants it. What earlier requests left in it is still there.
  func block(of byteCount: Int) -> UnsafeMutableRawPointer {
    if let block, blockByteCount >= byteCount { return block }
    free(block)
    var memory: UnsafeMutableRawPointer?
    let size = max(byteCount, 4096)
    let isLarge = size >= 8 * RequestScratch.hugePage
    // The size has been admitted; a machine that has no memory left all the same cannot go on.
    guard posix_memalign(&memory, isLarge ? RequestScratch.hugePage : Storage.alignment, size) == 0, let memory else { abort() }
    // Otherwise a run spends a third of its time on having its results' pages mapped one by one. Whole ones only: no byte beyond the block.
    if isLarge { madvise(memory, size / RequestScratch.hugePage * RequestScratch.hugePage, MADV_HUGEPAGE) }
    block = memory
    blockByteCount = size
    return memory
  }

  /// Whether it is worth keeping; large ones would hold memory that the next request hardly needs.
  var isModest: Bool { blockByteCount <= ScratchPool.largestKept && key.capacity <= ScratchPool.largestKept }

  func clear() {
    key.removeAll()
    tensors.removeAll(keepingCapacity: true)
  }

  deinit { free(block) }
}

/// The scratch that no request has at the moment: at most ``mostKept``, each of at most ``largestKept`` bytes.
final class ScratchPool: Sendable {
  static let mostKept = 16
  static let largestKept = 1 << 20

  private let idle = Locked<[RequestScratch]>([])

  func take() -> RequestScratch { idle.withLock { $0.popLast() } ?? RequestScratch() }

  func give(_ scratch: RequestScratch) {
    guard scratch.isModest else { return }
    scratch.clear()
    idle.withLock { idle in
      if idle.count < ScratchPool.mostKept { idle.append(scratch) }
    }
  }
}
