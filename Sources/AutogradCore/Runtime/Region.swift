/// Elementwise instructions that run together: on one tile of elements all of them, then on the next. What passes between them alone stays
/// in a few tiles of memory, in the first cache, and is never written out.
package struct Region: Sendable {
  /// The iteration that all members share. The last axis is the inner one, the others together count rows.
  package var sizes: Shape
  package var members: Range<Int>
  /// Elements of a tile: some whole rows, or part of one.
  package var tile: Int
  /// Whether there are reductions among the members: of all elements, fed tile by tile, with their state in the place of y.
  package var reduces: Bool
}

/// One of them.
package struct Member: Sendable {
  package var kind: Instruction.Kind
  package var function: UInt8
  package var dtype: DType
  /// Whether each operand can be walked over all rows with its inner stride: then a tile is one call.
  package var isFlat: Bool
  /// Strides along the axes of the region, for those that are not flat.
  package var loop: Int32
  package var z: Operand
  package var x: Operand
  package var y: Operand

  package struct Operand: Sendable {
    package var slot: Slot
    /// Along the inner axis, in elements.
    package var stride: Int
    /// Of an element, in bytes.
    package var width: Int
    /// Lies in a tile that is written anew each time, not in memory for all elements.
    package var isTile: Bool

    func base(_ bases: UnsafePointer<UnsafeMutableRawPointer>) -> UnsafeMutableRawPointer { bases[Int(slot.base)] + slot.offset }

    /// Where the part that starts at an element is, in bytes.
    @inline(__always)
    func start(_ position: Int) -> Int { slot.offset + (isTile ? 0 : position * stride * width) }
  }
}

extension Plan {
  func runRegion(_ region: Region, _ bases: UnsafePointer<UnsafeMutableRawPointer>) {
    let rank = region.sizes.rank
    let inner = rank == 0 ? 1 : region.sizes[rank - 1]
    let rows = rank == 0 ? 1 : region.sizes.elementCount / max(inner, 1)
    members.withUnsafeBufferPointer { all in
      let members = UnsafeBufferPointer(rebasing: all[region.members])
      if region.reduces {
        for member in members where member.kind == .reduce { Kernels.begin(member.function, member.dtype, member.y.base(bases)) }
      }
      if inner > region.tile {
        for row in 0..<rows {
          for start in stride(from: 0, to: inner, by: region.tile) {
            runTile(region, members, bases, row: row, rows: 1, start: start, count: min(region.tile, inner - start), inner: inner)
          }
        }
      } else if inner > 0 {
        let together = max(region.tile / inner, 1)
        for row in stride(from: 0, to: rows, by: together) {
          runTile(region, members, bases, row: row, rows: min(together, rows - row), start: 0, count: inner, inner: inner)
        }
      }
      if region.reduces {
        for member in members where member.kind == .reduce {
          Kernels.finish(member.function, member.dtype, member.y.base(bases), into: member.z.base(bases))
        }
      }
    }
  }

  /// All members on some rows, or on `count` elements from `start` of one.
  @inline(__always)
  private func runTile(
    _ region: Region, _ members: UnsafeBufferPointer<Member>, _ bases: UnsafePointer<UnsafeMutableRawPointer>, row: Int, rows: Int,
    start: Int, count: Int, inner: Int
  ) {
    // Through pointers: a member is too large to be copied for every tile.
    guard let first = members.baseAddress else { return }
    for index in members.indices {
      let member = first + index
      let z = bases[Int(member.pointee.z.slot.base)]
      let x = UnsafeRawPointer(bases[Int(member.pointee.x.slot.base)])
      let y = bases[Int(member.pointee.y.slot.base)]
      if member.pointee.isFlat {
        let position = row * inner + start
        run(
          member, rows * count, z + member.pointee.z.start(position), x + member.pointee.x.start(position),
          y + member.pointee.y.start(position))
      } else {
        runRows(member, region, z, x, y, row: row, rows: rows, start: start, count: count)
      }
    }
  }

  /// A member whose operands do not all go on from row to row with their inner stride.
  private func runRows(
    _ member: UnsafePointer<Member>, _ region: Region, _ z: UnsafeMutableRawPointer, _ x: UnsafeRawPointer,
    _ y: UnsafeMutableRawPointer, row: Int, rows: Int, start: Int, count: Int
  ) {
    loops.withUnsafeBufferPointer { loops in
      guard let first = loops.baseAddress else { return }
      let loop = first + Int(member.pointee.loop)
      for current in 0..<rows {
        var (zRow, xRow, yRow) = (0, 0, 0)
        var rest = row + current
        for axis in stride(from: region.sizes.rank - 2, through: 0, by: -1) {
          let size = region.sizes[axis]
          let place = axis == 0 ? rest : rest % size
          rest = axis == 0 ? 0 : rest / size
          zRow += place * loop.pointee.z[axis]
          xRow += place * loop.pointee.x[axis]
          yRow += place * loop.pointee.y[axis]
        }
        func offset(_ operand: Member.Operand, _ ofRow: Int) -> Int {
          // Rows of a tile lie one behind the other.
          operand.slot.offset + (operand.isTile ? current * count * operand.stride : ofRow + start * operand.stride) * operand.width
        }
        run(
          member, count, z + offset(member.pointee.z, zRow), x + offset(member.pointee.x, xRow), y + offset(member.pointee.y, yRow))
      }
    }
  }

  @inline(__always)
  private func run(
    _ member: UnsafePointer<Member>, _ count: Int, _ z: UnsafeMutableRawPointer, _ x: UnsafeRawPointer, _ y: UnsafeMutableRawPointer
  ) {
    let (dz, dx, dy) = (member.pointee.z.stride, member.pointee.x.stride, member.pointee.y.stride)
    let (function, dtype) = (member.pointee.function, member.pointee.dtype)
    switch member.pointee.kind {
    case .unary: Kernels.unary(function, dtype)?(count, z, dz, x, dx)
    case .binary: _ = Kernels.binary(function, dtype)?(count, z, dz, x, dx, y, dy)
    case .select: Kernels.select(dtype)?(count, z, dz, x, dx, y, dy)
    case .copy: Kernels.copy(dtype)?(count, z, dz, x, dx)
    case .cast:
      if let target = DType(rawValue: function) { _ = Kernels.cast(dtype, target)?(count, z, dz, x, dx) }
    case .reduce: Kernels.feed(function, dtype, y, count, x, dx)
    default: break
    }
  }
}
