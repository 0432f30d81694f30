// The memory that instructions touch, for the planner of memory. Only this file knows where each kind keeps its slots.

extension Program {
  /// Calls `body` for every slot of every instruction, in order; one that is used twice may come twice.
  @inline(__always)
  func forEachSlot(_ body: (_ instruction: Int, _ slot: Slot) -> Void) {
    for (index, instruction) in instructions.enumerated() {
      switch instruction.kind {
      case .custom:
        let call = customCalls[Int(instruction.detail)]
        for operand in call.operands { body(index, operand.slot) }
        for result in call.results { body(index, result.slot) }
      case .region:
        for member in members[regions[Int(instruction.detail)].members] {
          body(index, member.z.slot)
          body(index, member.x.slot)
          body(index, member.y.slot)
          body(index, member.w.slot)
        }
      default:
        body(index, instruction.z)
        body(index, instruction.x)
        body(index, instruction.y)
      }
    }
  }

  /// Replaces each slot.
  mutating func rewriteSlots(_ rewrite: (Slot) -> Slot) {
    for index in instructions.indices where instructions[index].kind != .custom && instructions[index].kind != .region {
      instructions[index].z = rewrite(instructions[index].z)
      instructions[index].x = rewrite(instructions[index].x)
      instructions[index].y = rewrite(instructions[index].y)
    }
    for index in members.indices {
      members[index].z.slot = rewrite(members[index].z.slot)
      members[index].x.slot = rewrite(members[index].x.slot)
      members[index].y.slot = rewrite(members[index].y.slot)
      members[index].w.slot = rewrite(members[index].w.slot)
    }
    for index in streams.indices { streams[index].slot = rewrite(streams[index].slot) }
    for index in customCalls.indices {
      for operand in customCalls[index].operands.indices {
        customCalls[index].operands[operand].slot = rewrite(customCalls[index].operands[operand].slot)
      }
      for result in customCalls[index].results.indices {
        customCalls[index].results[result].slot = rewrite(customCalls[index].results[result].slot)
      }
    }
  }
}
