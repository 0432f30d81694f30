/// Assigns buffers to one workspace. A buffer's bytes are free after the last instruction that uses it, and are reused
/// by the next buffer of the same size class.
struct MemoryPlan {
  private(set) var offsets: [Int]
  private(set) var byteCount = 0

  /// - Parameters:
  ///   - sizes: bytes of each buffer in the workspace; nil for other buffers.
  init(_ lowering: Lowering) throws(GraphError) {
    try lowering.look()
    let buffers = lowering.buffers
    offsets = Array(repeating: 0, count: buffers.count)
    var lastUse = Array(repeating: -1, count: buffers.count)
    lowering.program.forEachSlot { index, slot in lastUse[Int(slot.base)] = index }
    try lowering.look()

    var seen = Array(repeating: false, count: buffers.count)
    // For each size the buffer freed last, and for each buffer the one freed before it.
    var lastFreed: [Int: Int] = [:]
    var previouslyFreed = Array(repeating: -1, count: buffers.count)
    var dying: [Int] = []
    var current = -1
    func release() {
      for buffer in dying {
        previouslyFreed[buffer] =
          lastFreed.updateValue(buffer, forKey: MemoryPlan.sizeClass(buffers[buffer].byteCount)) ?? -1
      }
      dying.removeAll(keepingCapacity: true)
    }
    lowering.program.forEachSlot { index, slot in
      let buffer = Int(slot.base)
      // Buffers that the previous instruction used last are free for this one.
      if index != current {
        release()
        current = index
      }
      guard buffers[buffer].home == .workspace else { return }
      if !seen[buffer] {
        seen[buffer] = true
        let size = MemoryPlan.sizeClass(buffers[buffer].byteCount)
        if let other = lastFreed[size], other >= 0 {
          offsets[buffer] = offsets[other]
          lastFreed[size] = previouslyFreed[other]
        } else {
          offsets[buffer] = byteCount
          byteCount = min(byteCount + size, Program.beyondAnyLimit)
        }
      }
      if lastUse[buffer] == index {
        lastUse[buffer] = -1
        dying.append(buffer)
      }
    }
  }

  /// Multiples of a cache line, above a page in eighths of a power of two, so that buffers of nearly one size share
  /// memory.
  private static func sizeClass(_ byteCount: Int) -> Int {
    let size = max(byteCount, 1)
    let grain = size <= 4096 ? 64 : max(64, (1 << (Int.bitWidth - 1 - size.leadingZeroBitCount)) / 8)
    return (size + grain - 1) / grain * grain
  }
}
