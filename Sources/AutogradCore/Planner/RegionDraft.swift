import CKernels

/// A region being written: the iteration that all its members can share, and the tiles for what passes between them.
struct RegionDraft {
  /// Axes merged where every operand of every member allows it.
  private(set) var sizes: Shape
  private let lowering: Lowering
  let instructions: [Instruction]
  /// Of each instruction; none where all are flat, which is the rule.
  private var loops: [Loop] = []
  private(set) var strides: [InnerStrides] = []

  /// The strides of an instruction along the inner axis.
  struct InnerStrides {
    var z: Int
    var x: Int
    var y: Int
    /// Whether each goes on with that stride from row to row.
    var zIsFlat = true
    var xIsFlat = true
    var yIsFlat = true
    var areFlat: Bool { zIsFlat && xIsFlat && yIsFlat }
  }

  /// - Parameter sizes: what members that are not flat iterate over; nil if all are flat.
  init(_ lowering: Lowering, _ members: [Int], sizes: Shape?) {
    self.lowering = lowering
    instructions = members.map { lowering.program.instructions[$0] }
    // The first is never a reduction, which joins what it reduces.
    let count = lowering.iterations[Int(instructions[0].detail)].count
    guard let sizes else {
      self.sizes = count == 1 ? [] : [count]
      strides = instructions.map { instruction in
        if instruction.kind == .reduce { return InnerStrides(z: 0, x: 1, y: 1) }
        let loop = lowering.iterations[Int(instruction.detail)]
        func stride(_ strides: Shape) -> Int { loop.sizes.flatStride(strides) ?? 1 }
        return InnerStrides(z: stride(loop.z), x: stride(loop.x), y: stride(loop.y))
      }
      return
    }
    self.sizes = sizes
    loops = instructions.map { instruction in
      guard instruction.kind == .reduce else { return lowering.iterations[Int(instruction.detail)].over(sizes) }
      let all = sizes.rowMajorStrides
      return Loop(sizes: sizes, z: Shape(repeating: 0, rank: sizes.rank), x: all, y: all)
    }
    mergeAxes()
    strides = loops.map { loop in
      func isFlat(_ strides: Shape) -> Bool { self.sizes.flatStride(strides) != nil }
      return InnerStrides(
        z: loop.inner.z, x: loop.inner.x, y: loop.inner.y, zIsFlat: isFlat(loop.z), xIsFlat: isFlat(loop.x),
        yIsFlat: isFlat(loop.y))
    }
  }

  private mutating func mergeAxes() {
    var axis = sizes.rank - 1
    while axis > 0 {
      let inner = sizes[axis]
      func follows(_ strides: Shape) -> Bool { strides[axis - 1] == strides[axis] * inner }
      if loops.allSatisfy({ follows($0.z) && follows($0.x) && follows($0.y) }) {
        sizes = sizes.mergingAxis(axis)
        for index in loops.indices { loops[index] = loops[index].mergingAxis(axis) }
      }
      axis -= 1
    }
  }

  // MARK: Tiles

  /// Columns over all buffers of a plan, the same for all its regions: dictionaries would cost more than all else here.
  struct Scratch {
    static let unused: Int32 = -1
    fileprivate static let outside: Int32 = -2
    fileprivate static let streamed: Int32 = -3
    fileprivate var lastUse: [Int32]
    /// Which tile a buffer has in the region at hand, or one of the above.
    fileprivate(set) var tile: [Int32]
    /// See ``RegionDraft/steps(_:)``.
    var pairing: PairingColumns

    init(bufferCount: Int) {
      lastUse = Array(repeating: -1, count: bufferCount)
      tile = Array(repeating: Scratch.unused, count: bufferCount)
      pairing = PairingColumns(bufferCount: bufferCount)
    }
  }

  /// What becomes a member: an instruction, one together with the first of a pair, or a function together with its
  /// slope.
  struct Step {
    var instruction: Int
    var first: Int?
    /// Of a pair: what it does second, and the operand for that.
    var second: (function: ck_second_op, w: Operand)?
    /// The instruction that makes the slope of what this one makes.
    var slope: Int?
  }

  struct Operand {
    var slot: Slot
    var stride: Int
  }

  /// Bytes that all tiles together may take: half of a first cache, as the members' other operands want their part.
  private static let tileBytes = 24 << 10
  /// Streams that are asked for ahead; more would push the tiles out. Fewer members to each would wait for what they
  /// ask for, and the processor finds out by itself what they inner over.
  private static let mostStreams = 4
  private static let membersPerStream = 6

  /// Buffers of which `isInternal` says that nobody else touches them get tiles; one that is read for the last time
  /// leaves its tile to the next. Members and streams are added to the program's.
  func written(_ scratch: inout Scratch, _ isInternal: (Slot) -> Bool) -> Region {
    for (instruction, inner) in zip(instructions, strides) {
      for (slot, fits) in [
        (instruction.z, inner.zIsFlat && inner.z == 1), (instruction.x, inner.xIsFlat && inner.x == 1),
        (instruction.y, inner.yIsFlat && inner.y == 1),
      ] where !fits || !isInternal(slot) { scratch.tile[Int(slot.base)] = Scratch.outside }
    }
    let steps = steps(&scratch)
    for (index, step) in steps.enumerated() {
      forEachSlot(step) { scratch.lastUse[Int($0.base)] = Int32(index) }
    }
    let tileCount = assignTiles(steps, &scratch)
    let width = instructions.reduce(1) { max($0, $1.dtype.byteWidth, $1.resultWidth) }
    // In steps of a vector.
    let fitting = RegionDraft.tileBytes / (width * max(tileCount, 1)) / 64 * 64
    let length = min(max(min(fitting, 4096), 128), max(sizes.elementCount, 1))
    let bytes = (length * width + 63) / 64 * 64
    let home = tileCount > 0 ? lowering.newOwnBuffer(at: 0, tileCount * bytes) : 0
    var states = tileCount * bytes
    let members = steps.map { step in
      member(step, &states) { slot in
        let tile = Int(scratch.tile[Int(slot.base)])
        return tile >= 0 ? Slot(base: home, offset: tile * bytes) : nil
      }
    }
    let streams =
      length < sizes.elementCount
      ? streams(&scratch, atMost: min(RegionDraft.mostStreams, steps.count / RegionDraft.membersPerStream)) : []
    for instruction in instructions {
      for buffer in [instruction.z.base, instruction.x.base, instruction.y.base] {
        scratch.tile[Int(buffer)] = Scratch.unused
      }
    }
    let (firstMember, firstStream) = (lowering.program.members.count, lowering.program.streams.count)
    lowering.program.members += members
    lowering.program.streams += streams
    return Region(
      sizes: sizes, members: firstMember..<(firstMember + members.count), tile: length,
      reduces: members.contains { $0.kind == .reduce }, streams: firstStream..<(firstStream + streams.count))
  }

  @inline(__always)
  private func forEachSlot(_ step: Step, _ body: (Slot) -> Void) {
    let first = instructions[step.first ?? step.instruction]
    body(instructions[step.instruction].z)
    body(first.x)
    body(first.y)
    if let second = step.second { body(second.w.slot) }
    if let slope = step.slope { body(instructions[slope].z) }
  }

  /// - Returns: how many tiles there must be.
  private func assignTiles(_ steps: [Step], _ scratch: inout Scratch) -> Int {
    var free: [Int32] = []
    var made: Int32 = 0
    for (index, step) in steps.enumerated() {
      forEachSlot(step) { slot in
        let buffer = Int(slot.base)
        guard scratch.tile[buffer] == Scratch.unused else { return }
        scratch.tile[buffer] = free.popLast() ?? made
        if scratch.tile[buffer] == made { made += 1 }
      }
      forEachSlot(step) { slot in
        let buffer = Int(slot.base)
        guard scratch.tile[buffer] >= 0, scratch.lastUse[buffer] == index else { return }
        free.append(scratch.tile[buffer])
        // Not twice, where it stands for two operands.
        scratch.lastUse[buffer] = -1
      }
    }
    return Int(made)
  }

  /// What members pass through in memory without gaps from the first element to the last, each once.
  private func streams(_ scratch: inout Scratch, atMost count: Int) -> [Stream] {
    var result: [Stream] = []
    for (instruction, inner) in zip(instructions, strides) where instruction.kind != .reduce {
      let width = instruction.dtype.byteWidth
      for (slot, fits, width) in [
        (instruction.x, inner.xIsFlat && inner.x == 1, instruction.kind == .select ? 1 : width),
        (instruction.y, inner.yIsFlat && inner.y == 1, width),
        (instruction.z, inner.zIsFlat && inner.z == 1, instruction.resultWidth),
      ] where fits && scratch.tile[Int(slot.base)] == Scratch.outside {
        guard result.count < count else { return result }
        scratch.tile[Int(slot.base)] = Scratch.streamed
        result.append(Stream(slot: slot, width: width))
      }
    }
    return result
  }

  /// - Parameter states: where, in a thread's own memory, the next reduction keeps what it has added up so far.
  private func member(_ step: Step, _ states: inout Int, _ tile: (Slot) -> Slot?) -> Member {
    let (instruction, inner) = (instructions[step.instruction], strides[step.instruction])
    let (first, firstStrides) = step.first.map { (instructions[$0], strides[$0]) } ?? (instruction, inner)
    func operand(_ slot: Slot, _ stride: Int, _ width: Int) -> Member.Operand {
      if let place = tile(slot) { return Member.Operand(slot: place, stride: 1, width: width, isTile: true) }
      return Member.Operand(slot: slot, stride: stride, width: width, isTile: false)
    }
    let width = instruction.dtype.byteWidth
    let x = operand(first.x, firstStrides.x, instruction.kind == .select ? 1 : width)
    var y = operand(first.y, firstStrides.y, width)
    if instruction.kind == .reduce {
      let state = lowering.newOwnBuffer(at: states, CK_REDUCE_STATE)
      states += CK_REDUCE_STATE
      y = Member.Operand(slot: Slot(base: state, offset: 0), stride: 0, width: 1, isTile: true)
    }
    let w = step.second?.w ?? step.slope.map { Operand(slot: instructions[$0].z, stride: strides[$0].z) }
    return Member(
      kind: first.kind, kernel: kernel(step), function: first.function, dtype: instruction.dtype, isFlat: inner.areFlat,
      loop: inner.areFlat ? -1 : lowering.addLoop(loops[step.instruction]),
      z: operand(instruction.z, inner.z, instruction.resultWidth),
      x: x, y: y, w: w.map { operand($0.slot, $0.stride, width) } ?? x)
  }

  private func kernel(_ step: Step) -> Member.Kernel? {
    let instruction = instructions[step.first ?? step.instruction]
    let (function, dtype) = (instruction.function, instruction.dtype)
    if let second = step.second { return Kernels.pair(function, second.function, dtype).map(Member.Kernel.pair) }
    if step.slope != nil { return Kernels.tanhWithSlope(dtype).map(Member.Kernel.withSlope) }
    return switch instruction.kind {
    case .unary: Kernels.unary(function, dtype).map(Member.Kernel.unary)
    case .binary: Kernels.binary(function, dtype).map(Member.Kernel.binary)
    case .select: Kernels.select(dtype).map(Member.Kernel.select)
    case .copy: Kernels.copy(dtype).map(Member.Kernel.unary)
    case .cast: DType(rawValue: function).flatMap { Kernels.cast(dtype, $0) }.map(Member.Kernel.cast)
    case .reduce: Kernels.feed(function, dtype).map(Member.Kernel.feed)
    default: nil
    }
  }
}

extension Loop {
  /// The same inner over other sizes of as many elements, which only flat operands can change to.
  fileprivate func over(_ target: Shape) -> Loop {
    if sizes == target { return self }
    func spread(_ strides: Shape) -> Shape {
      guard let stride = sizes.flatStride(strides) else { return strides }
      return Shape(target.rowMajorStrides.array.map { $0 * stride })
    }
    return Loop(sizes: target, z: spread(z), x: spread(x), y: spread(y))
  }

  fileprivate func mergingAxis(_ axis: Int) -> Loop {
    Loop(sizes: sizes.mergingAxis(axis), z: z.dropping(axis - 1), x: x.dropping(axis - 1), y: y.dropping(axis - 1))
  }
}

extension Shape {
  /// An axis taken together with the one before it.
  fileprivate func mergingAxis(_ axis: Int) -> Shape {
    var merged = dropping(axis - 1)
    merged[axis - 1] = sizes[axis - 1] * sizes[axis]
    return merged
  }

  fileprivate func dropping(_ axis: Int) -> Shape { Shape((0..<rank).filter { $0 != axis }.map { sizes[$0] }) }
}
