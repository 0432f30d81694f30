import CKernels

/// A region being written: the iteration that all its members can share, and the tiles for what passes between them.
struct RegionDraft {
  /// Axes merged where every operand of every member allows it.
  private(set) var sizes: Shape
  private let lowering: Lowering
  private let instructions: [Instruction]
  private var loops: [Loop] = []

  /// - Parameter sizes: what members that are not flat iterate over; nil if all are flat.
  init(_ lowering: Lowering, _ members: [Int], sizes: Shape?) {
    self.lowering = lowering
    instructions = members.map { lowering.instructions[$0] }
    // The first is never a reduction, which joins what it reduces.
    let first = lowering.iterations[Int(instructions[0].detail)]
    self.sizes = sizes ?? (first.sizes.rank == 0 ? [] : [first.count])
    loops = instructions.map { instruction in
      guard instruction.kind == .reduce else { return lowering.iterations[Int(instruction.detail)].over(self.sizes) }
      let all = self.sizes.rowMajorStrides
      return Loop(sizes: self.sizes, z: Shape(repeating: 0, rank: self.sizes.rank), x: all, y: all)
    }
    mergeAxes()
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

  struct Tiles {
    /// Elements of a tile.
    var length: Int
    /// The buffer that holds the tiles, and where in it the tile of each buffer is that has one.
    var home: Int32
    var offsets: [Int32: Int]
  }

  /// Bytes that all tiles together may take: half of a first cache, as the members' other operands want their part.
  private static let tileBytes = 24 << 10

  /// Tiles for the buffers of which `isInternal` says that nobody else touches them; a buffer that is read for the last time leaves its
  /// tile to the next.
  func tiles(_ isInternal: (_ slot: Slot, _ stride: Int?) -> Bool) -> Tiles {
    var lastUse: [Int32: Int] = [:]
    var outside: Set<Int32> = []
    func forEachOperand(_ body: (_ member: Int, _ slot: Slot, _ stride: Int?) -> Void) {
      for (index, (instruction, loop)) in zip(instructions, loops).enumerated() {
        body(index, instruction.z, sizes.flatStride(loop.z))
        body(index, instruction.x, sizes.flatStride(loop.x))
        body(index, instruction.y, sizes.flatStride(loop.y))
      }
    }
    forEachOperand { member, slot, stride in
      if !isInternal(slot, stride) { outside.insert(slot.base) }
      lastUse[slot.base] = member
    }
    var slots: [Int32: Int] = [:]
    var free: [Int] = []
    var made = 0
    for (index, instruction) in instructions.enumerated() {
      for buffer in [instruction.z.base, instruction.x.base, instruction.y.base] where !outside.contains(buffer) && slots[buffer] == nil {
        if let reused = free.popLast() {
          slots[buffer] = reused
        } else {
          slots[buffer] = made
          made += 1
        }
      }
      for buffer in Set([instruction.z.base, instruction.x.base, instruction.y.base]) where lastUse[buffer] == index {
        if let slot = slots[buffer] { free.append(slot) }
      }
    }
    // In steps of a vector; 8 bytes are the widest element.
    let count = sizes.elementCount
    let fitting = RegionDraft.tileBytes / (8 * max(made, 1)) / 64 * 64
    let length = min(max(min(fitting, 4096), 128), max(count, 1))
    let bytes = (length * 8 + 63) / 64 * 64
    let home = made > 0 ? lowering.newBuffer(.workspace, made * bytes) : 0
    return Tiles(length: length, home: home, offsets: slots.mapValues { $0 * bytes })
  }

  // MARK: Members

  func members(_ tiles: Tiles) -> [Member] {
    zip(instructions, loops).map { instruction, loop in
      let inner = loop.inner
      func operand(_ slot: Slot, _ stride: Int, _ width: Int) -> Member.Operand {
        if let offset = tiles.offsets[slot.base] {
          return Member.Operand(slot: Slot(base: tiles.home, offset: offset), stride: 1, width: width, isTile: true)
        }
        return Member.Operand(slot: slot, stride: stride, width: width, isTile: false)
      }
      let width = instruction.dtype.byteWidth
      var y = operand(instruction.y, inner.y, width)
      if instruction.kind == .reduce {
        // What it has added up so far.
        let state = lowering.newBuffer(.workspace, Int(CK_REDUCE_STATE))
        y = Member.Operand(slot: Slot(base: state, offset: 0), stride: 0, width: 1, isTile: true)
      }
      let isFlat = sizes.flatStride(loop.z) != nil && sizes.flatStride(loop.x) != nil && sizes.flatStride(loop.y) != nil
      return Member(
        kind: instruction.kind, function: instruction.function, dtype: instruction.dtype, isFlat: isFlat,
        loop: isFlat ? -1 : lowering.addLoop(loop), z: operand(instruction.z, inner.z, instruction.resultWidth),
        x: operand(instruction.x, inner.x, instruction.kind == .select ? 1 : width), y: y)
    }
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
