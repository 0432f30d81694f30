/// Lays buffers out in one workspace: a buffer's bytes are free again after the last instruction that touches them, and the next buffer of
/// the same size class takes them.
struct MemoryPlan {
  /// Where counting stops: no machine has it, and offsets within a tensor can still be added without overflow.
  static let beyondAnyLimit = 1 << 61

  private(set) var offsets: [Int]
  private(set) var byteCount = 0

  /// - Parameters:
  ///   - sizes: bytes of each buffer that lives in the workspace; nil for the others.
  init(_ lowering: Lowering) throws(GraphError) {
    try lowering.look()
    let buffers = lowering.buffers
    offsets = Array(repeating: 0, count: buffers.count)
    var lastUse = Array(repeating: -1, count: buffers.count)
    MemoryPlan.forEachUse(lowering) { index, buffer in lastUse[buffer] = index }
    try lowering.look()

    var seen = Array(repeating: false, count: buffers.count)
    // Of each size, the buffer that was freed last, and for each buffer the one freed before it.
    var lastFreed: [Int: Int] = [:]
    var previouslyFreed = Array(repeating: -1, count: buffers.count)
    var dying: [Int] = []
    var current = -1
    func release() {
      for buffer in dying {
        previouslyFreed[buffer] = lastFreed.updateValue(buffer, forKey: MemoryPlan.sizeClass(buffers[buffer].byteCount)) ?? -1
      }
      dying.removeAll(keepingCapacity: true)
    }
    MemoryPlan.forEachUse(lowering) { index, buffer in
      // What the previous instruction used last is free for this one.
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
          byteCount = min(byteCount + size, MemoryPlan.beyondAnyLimit)
        }
      }
      if lastUse[buffer] == index {
        lastUse[buffer] = -1
        dying.append(buffer)
      }
    }
  }

  private static func forEachUse(_ lowering: Lowering, _ body: (_ instruction: Int, _ buffer: Int) -> Void) {
    for (index, instruction) in lowering.instructions.enumerated() {
      switch instruction.kind {
      case .custom:
        let call = lowering.customCalls[Int(instruction.detail)]
        for operand in call.operands { body(index, Int(operand.slot.base)) }
        for result in call.results { body(index, Int(result.slot.base)) }
      case .region:
        for member in lowering.members[lowering.regions[Int(instruction.detail)].members] {
          body(index, Int(member.z.slot.base))
          body(index, Int(member.x.slot.base))
          body(index, Int(member.y.slot.base))
          body(index, Int(member.w.slot.base))
        }
      default:
        body(index, Int(instruction.z.base))
        body(index, Int(instruction.x.base))
        body(index, Int(instruction.y.base))
      }
    }
  }

  /// Multiples of a cache line, above a page in eighths of a power of two, so that buffers of nearly one size share memory.
  private static func sizeClass(_ byteCount: Int) -> Int {
    let size = max(byteCount, 1)
    let grain = size <= 4096 ? 64 : max(64, (1 << (Int.bitWidth - 1 - size.leadingZeroBitCount)) / 8)
    return (size + grain - 1) / grain * grain
  }
}
