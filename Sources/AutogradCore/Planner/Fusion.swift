import CKernels

/// Groups elementwise instructions over the same number of elements into regions, forward and backward together, and
/// finds which of their results are not read elsewhere.
///
/// A region runs at the position of its first member. An instruction may join it if all its operands are complete by
/// then, or written by a member and read or overwritten element by element at the same positions, because members run
/// tile by tile.
struct Fusion {
  private let lowering: Lowering
  private var groups: [Group] = []
  private var buffers: [BufferUse]
  /// By the number of elements: regions that may still grow.
  private var growing: [Int: [Int]] = [:]

  /// Larger regions gain nothing and keep more tiles alive than the first cache holds.
  private static let mostMembers = 128
  /// How many regions an instruction looks at for one to join.
  private static let mostChoices = 8

  /// What becomes one instruction, in order.
  private struct Group {
    /// Indices of instructions.
    var members: [Int]
    /// The sizes that members which are not flat iterate over; nil as long as all are flat.
    var sizes: Shape?
  }

  /// How an operand is accessed: from where, and with one stride over all elements or with strides along axes.
  private struct AccessPattern: Equatable {
    var offset: Int
    var flatStride: Int?
    var strides: Shape
  }

  private struct BufferUse {
    var lastWriter = -1
    var lastReader = -1
    var writing: AccessPattern?
    /// Nil where readers of one group have different patterns.
    var reading: AccessPattern?
    /// The only group that touches it, -2 if there are several.
    var group = -1
  }

  static func run(_ lowering: Lowering) throws(GraphError) {
    var fusion = Fusion(lowering)
    for index in lowering.program.instructions.indices {
      try lowering.look(index)
      fusion.place(index)
    }
    try fusion.write()
  }

  private init(_ lowering: Lowering) {
    self.lowering = lowering
    buffers = Array(repeating: BufferUse(), count: lowering.buffers.count)
    groups.reserveCapacity(lowering.program.instructions.count)
  }

  // MARK: Grouping

  private mutating func place(_ index: Int) {
    let instruction = lowering.program.instructions[index]
    if instruction.kind == .reduce, let group = regionMaking(instruction) {
      groups[group].members.append(index)
      note(instruction, group: group)
      return
    }
    guard instruction.isFusible else {
      groups.append(Group(members: [index]))
      note(instruction, group: groups.count - 1)
      return
    }
    let iteration = lowering.iterations[Int(instruction.detail)]
    let patterns = AccessPatterns(instruction, iteration)
    let count = iteration.count
    let group = choose(instruction, iteration, patterns, count)
    if let group {
      groups[group].members.append(index)
      if !patterns.areFlat { groups[group].sizes = iteration.sizes }
    } else {
      groups.append(Group(members: [index], sizes: patterns.areFlat ? nil : iteration.sizes))
      growing[count, default: []].append(groups.count - 1)
    }
    note(instruction, patterns, group: group ?? groups.count - 1)
  }

  private struct AccessPatterns {
    var z: AccessPattern
    var x: AccessPattern
    var y: AccessPattern
    var areFlat: Bool { z.flatStride != nil && x.flatStride != nil && y.flatStride != nil }

    init(_ instruction: Instruction, _ iteration: Loop) {
      func pattern(_ slot: Slot, _ strides: Shape) -> AccessPattern {
        let flat = iteration.sizes.flatStride(strides)
        return AccessPattern(offset: slot.offset, flatStride: flat, strides: flat == nil ? strides : [])
      }
      z = pattern(instruction.z, iteration.z)
      x = pattern(instruction.x, iteration.x)
      y = pattern(instruction.y, iteration.y)
    }
  }

  /// The first region that the instruction may join.
  private func choose(_ instruction: Instruction, _ iteration: Loop, _ patterns: AccessPatterns, _ count: Int) -> Int? {
    guard let candidates = growing[count] else { return nil }
    let x = buffers[Int(instruction.x.base)]
    let y = buffers[Int(instruction.y.base)]
    let z = buffers[Int(instruction.z.base)]
    /// Whether what `other` does is done when a candidate's turn comes, or goes element for element with it.
    func precedes(_ other: Int, _ candidate: Int, _ fits: Bool) -> Bool {
      other < candidate || (other == candidate && fits)
    }
    for candidate in candidates.suffix(Fusion.mostChoices) {
      let group = groups[candidate]
      guard group.members.count < Fusion.mostMembers else { continue }
      if !patterns.areFlat, let sizes = group.sizes, sizes != iteration.sizes { continue }
      if precedes(x.lastWriter, candidate, x.writing == patterns.x),
        precedes(y.lastWriter, candidate, y.writing == patterns.y),
        precedes(z.lastWriter, candidate, z.writing == patterns.z),
        precedes(z.lastReader, candidate, z.reading == patterns.z)
      {
        return candidate
      }
    }
    return nil
  }

  /// The region that makes what an instruction reduces, if that is all elements, in order: then it is fed tile by tile.
  private func regionMaking(_ instruction: Instruction) -> Int? {
    let reduction = lowering.program.reductions[Int(instruction.detail)]
    let use = buffers[Int(instruction.x.base)]
    guard UInt32(instruction.function) < CK_ARGMAX.rawValue, reduction.columns == 1, reduction.outer.count == 1,
      reduction.rowStride == 1,
      use.lastWriter >= 0, use.writing == AccessPattern(offset: instruction.x.offset, flatStride: 1, strides: [])
    else { return nil }
    let group = groups[use.lastWriter]
    let first = lowering.program.instructions[group.members[0]]
    guard first.isFusible, group.members.count < Fusion.mostMembers,
      lowering.iterations[Int(first.detail)].count == reduction.rows, buffers[Int(instruction.z.base)].lastWriter < 0
    else { return nil }
    return use.lastWriter
  }

  private mutating func note(_ instruction: Instruction, _ patterns: AccessPatterns, group: Int) {
    read(instruction.x, patterns.x, group)
    read(instruction.y, patterns.y, group)
    write(instruction.z, patterns.z, group)
  }

  /// Accesses without a pattern, by instructions that are no members: nothing fits them.
  private mutating func note(_ instruction: Instruction, group: Int) {
    if instruction.kind == .custom {
      let call = lowering.program.customCalls[Int(instruction.detail)]
      for operand in call.operands { read(operand.slot, nil, group) }
      for result in call.results { write(result.slot, nil, group) }
      return
    }
    // A reduction that is a member reads element by element like the others.
    let pattern =
      instruction.kind == .reduce ? AccessPattern(offset: instruction.x.offset, flatStride: 1, strides: []) : nil
    read(instruction.x, pattern, group)
    read(instruction.y, pattern, group)
    write(instruction.z, nil, group)
  }

  private mutating func read(_ slot: Slot, _ pattern: AccessPattern?, _ group: Int) {
    let buffer = Int(slot.base)
    if buffers[buffer].lastReader == group {
      if buffers[buffer].reading != pattern { buffers[buffer].reading = nil }
    } else if buffers[buffer].lastReader < group {
      buffers[buffer].lastReader = group
      buffers[buffer].reading = pattern
    }
    touch(buffer, group)
  }

  private mutating func write(_ slot: Slot, _ pattern: AccessPattern?, _ group: Int) {
    let buffer = Int(slot.base)
    // Nothing joins a region before the last writer's.
    buffers[buffer].writing = buffers[buffer].lastWriter == group && buffers[buffer].writing != pattern ? nil : pattern
    buffers[buffer].lastWriter = group
    touch(buffer, group)
  }

  private mutating func touch(_ buffer: Int, _ group: Int) {
    let known = buffers[buffer].group
    buffers[buffer].group = known == -1 || known == group ? group : -2
  }

  // MARK: Writing

  private func write() throws(GraphError) {
    var instructions: [Instruction] = []
    var scratch = RegionDraft.Scratch(bufferCount: buffers.count)
    instructions.reserveCapacity(groups.count)
    for (index, group) in groups.enumerated() {
      try lowering.look(index)
      let first = lowering.program.instructions[group.members[0]]
      if group.members.count == 1 {
        instructions.append(
          first.isElementwise ? lowering.withLoop(first, lowering.iterations[Int(first.detail)]) : first)
        continue
      }
      let draft = RegionDraft(lowering, group.members, sizes: group.sizes)
      let region = draft.written(&scratch) { slot in
        let buffer = lowering.buffers[Int(slot.base)]
        return buffers[Int(slot.base)].group == index && buffer.home == .workspace && slot.offset == 0
      }
      lowering.program.regions.append(region)
      instructions.append(
        Instruction(
          kind: .region, dtype: first.dtype, detail: Int32(lowering.program.regions.count - 1), z: .none, x: .none,
          y: .none, label: first.label))
    }
    lowering.program.instructions = instructions
  }
}

extension Instruction {
  /// Elementwise, and with an answer to every operand: integers divided by 0 or casts that do not fit end a run and
  /// name an element.
  fileprivate var isFusible: Bool {
    switch kind {
    case .copy, .unary, .select: true
    case .binary: dtype.isFloating || (UInt32(function) != CK_POW.rawValue && UInt32(function) != CK_REMAINDER.rawValue)
    case .cast: !dtype.isFloating || DType(rawValue: function)?.isInteger != true
    default: false
    }
  }
}
