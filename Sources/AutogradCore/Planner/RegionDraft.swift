import CKernels

/// A region being written: the iteration that all its members can share, and the tiles for what passes between them.
struct RegionDraft {
  /// Axes merged where every operand of every member allows it.
  private(set) var sizes: Shape
  private let lowering: Lowering
  private let instructions: [Instruction]
  /// Of each member; none where all are flat, which is the rule.
  private var loops: [Loop] = []
  private var walks: [Walk] = []

  /// How a member walks along the inner axis.
  private struct Walk {
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
    instructions = members.map { lowering.instructions[$0] }
    // The first is never a reduction, which joins what it reduces.
    let count = lowering.iterations[Int(instructions[0].detail)].count
    guard let sizes else {
      self.sizes = count == 1 ? [] : [count]
      walks = instructions.map { instruction in
        if instruction.kind == .reduce { return Walk(z: 0, x: 1, y: 1) }
        let loop = lowering.iterations[Int(instruction.detail)]
        func stride(_ strides: Shape) -> Int { loop.sizes.flatStride(strides) ?? 1 }
        return Walk(z: stride(loop.z), x: stride(loop.x), y: stride(loop.y))
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
    walks = loops.map { loop in
      func isFlat(_ strides: Shape) -> Bool { self.sizes.flatStride(strides) != nil }
      return Walk(
        z: loop.inner.z, x: loop.inner.x, y: loop.inner.y, zIsFlat: isFlat(loop.z), xIsFlat: isFlat(loop.x), yIsFlat: isFlat(loop.y))
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
    fileprivate static let unused: Int32 = -1
    fileprivate static let outside: Int32 = -2
    fileprivate var lastUse: [Int32]
    /// Which tile a buffer has in the region at hand, or one of the above.
    fileprivate var tile: [Int32]

    init(bufferCount: Int) {
      lastUse = Array(repeating: -1, count: bufferCount)
      tile = Array(repeating: Scratch.unused, count: bufferCount)
    }
  }

  /// Bytes that all tiles together may take: half of a first cache, as the members' other operands want their part.
  private static let tileBytes = 24 << 10

  /// The members, and how many elements a tile has. Buffers of which `isInternal` says that nobody else touches them get tiles; one that is
  /// read for the last time leaves its tile to the next.
  func members(_ scratch: inout Scratch, _ isInternal: (Slot) -> Bool) -> (members: [Member], tile: Int) {
    for (index, (instruction, walk)) in zip(instructions, walks).enumerated() {
      for (slot, fits) in [
        (instruction.z, walk.zIsFlat && walk.z == 1), (instruction.x, walk.xIsFlat && walk.x == 1),
        (instruction.y, walk.yIsFlat && walk.y == 1),
      ] {
        if !fits || !isInternal(slot) { scratch.tile[Int(slot.base)] = Scratch.outside }
        scratch.lastUse[Int(slot.base)] = Int32(index)
      }
    }
    let tileCount = assignTiles(&scratch)
    let width = instructions.reduce(1) { max($0, $1.dtype.byteWidth, $1.resultWidth) }
    // In steps of a vector.
    let fitting = RegionDraft.tileBytes / (width * max(tileCount, 1)) / 64 * 64
    let length = min(max(min(fitting, 4096), 128), max(sizes.elementCount, 1))
    let bytes = (length * width + 63) / 64 * 64
    let home = tileCount > 0 ? lowering.newBuffer(.workspace, tileCount * bytes) : 0
    let members = instructions.indices.map { index in
      member(index) { slot in
        let tile = Int(scratch.tile[Int(slot.base)])
        return tile >= 0 ? Slot(base: home, offset: tile * bytes) : nil
      }
    }
    for instruction in instructions {
      for buffer in [instruction.z.base, instruction.x.base, instruction.y.base] { scratch.tile[Int(buffer)] = Scratch.unused }
    }
    return (members, length)
  }

  /// - Returns: how many tiles there must be.
  private func assignTiles(_ scratch: inout Scratch) -> Int {
    var free: [Int32] = []
    var made: Int32 = 0
    for (index, instruction) in instructions.enumerated() {
      let buffers = (Int(instruction.z.base), Int(instruction.x.base), Int(instruction.y.base))
      for buffer in [buffers.0, buffers.1, buffers.2] where scratch.tile[buffer] == Scratch.unused {
        scratch.tile[buffer] = free.popLast() ?? made
        if scratch.tile[buffer] == made { made += 1 }
      }
      for buffer in [buffers.0, buffers.1, buffers.2] where scratch.tile[buffer] >= 0 && scratch.lastUse[buffer] == index {
        free.append(scratch.tile[buffer])
        // Not twice, where it stands for two operands.
        scratch.lastUse[buffer] = -1
      }
    }
    return Int(made)
  }

  private func member(_ index: Int, _ tile: (Slot) -> Slot?) -> Member {
    let (instruction, walk) = (instructions[index], walks[index])
    func operand(_ slot: Slot, _ stride: Int, _ width: Int) -> Member.Operand {
      if let place = tile(slot) { return Member.Operand(slot: place, stride: 1, width: width, isTile: true) }
      return Member.Operand(slot: slot, stride: stride, width: width, isTile: false)
    }
    let width = instruction.dtype.byteWidth
    var y = operand(instruction.y, walk.y, width)
    if instruction.kind == .reduce {
      // What it has added up so far.
      let state = lowering.newBuffer(.workspace, CK_REDUCE_STATE)
      y = Member.Operand(slot: Slot(base: state, offset: 0), stride: 0, width: 1, isTile: true)
    }
    return Member(
      kind: instruction.kind, function: instruction.function, dtype: instruction.dtype, isFlat: walk.areFlat,
      loop: walk.areFlat ? -1 : lowering.addLoop(loops[index]), z: operand(instruction.z, walk.z, instruction.resultWidth),
      x: operand(instruction.x, walk.x, instruction.kind == .select ? 1 : width), y: y)
  }
}

extension Loop {
  /// The same walk over other sizes of as many elements, which only flat operands can change to.
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
