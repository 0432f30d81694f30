import CKernels

extension Program {
  func runRegion(_ region: Region, _ bases: UnsafePointer<UnsafeMutableRawPointer>, _ stop: StopFlag) {
    let rank = region.sizes.rank
    let inner = rank == 0 ? 1 : region.sizes[rank - 1]
    let rows = rank == 0 ? 1 : region.sizes.elementCount / max(inner, 1)
    members.withUnsafeBufferPointer { all in
      let members = UnsafeBufferPointer(rebasing: all[region.members])
      if region.reduces {
        for member in members where member.kind == .reduce {
          Kernels.begin(member.function, member.dtype, member.y.base(bases))
        }
      }
      if !runInParts(region, members, bases, rows: rows, inner: inner, stop) {
        runTiles(region, members, bases, rows: 0..<rows, columns: 0..<inner, inner: inner, stop)
      }
      if region.reduces && !stop.isRaised {
        for member in members where member.kind == .reduce {
          Kernels.finish(member.function, member.dtype, member.y.base(bases), into: member.z.base(bases))
        }
      }
    }
  }

  /// Some rows of a region, of one row also some elements only, until the flag is raised.
  func runTiles(
    _ region: Region, _ members: UnsafeBufferPointer<Member>, _ bases: UnsafePointer<UnsafeMutableRawPointer>,
    rows: Range<Int>,
    columns: Range<Int>, inner: Int, _ stop: StopFlag
  ) {
    if columns.count > region.tile {
      for row in rows {
        for start in stride(from: columns.lowerBound, to: columns.upperBound, by: region.tile) {
          if stop.isRaised { return }
          let count = min(region.tile, columns.upperBound - start)
          runTile(region, members, bases, row: row, rows: 1, start: start, count: count, inner: inner)
        }
      }
    } else if inner > 0 {
      let together = columns.count == inner ? max(region.tile / inner, 1) : 1
      for row in stride(from: rows.lowerBound, to: rows.upperBound, by: together) {
        if stop.isRaised { return }
        let count = min(together, rows.upperBound - row)
        runTile(
          region, members, bases, row: row, rows: count, start: columns.lowerBound, count: columns.count, inner: inner)
      }
    }
  }

  /// All members on some rows, or on `count` elements from `start` of one.
  @inline(__always)
  private func runTile(
    _ region: Region, _ members: UnsafeBufferPointer<Member>, _ bases: UnsafePointer<UnsafeMutableRawPointer>, row: Int,
    rows: Int,
    start: Int, count: Int, inner: Int
  ) {
    // Through pointers: a member is too large to be copied for every tile.
    guard let first = members.baseAddress else { return }
    // What the next tile will touch in memory is asked for in small parts: more than a few lines at once would have to
    // wait.
    let next = row * inner + start + rows * count
    let part = (rows * count / members.count + 15) & ~15
    for index in members.indices {
      for stream in region.streams { prefetch(streams[stream], bases, next + index * part, part) }
      let member = first + index
      let z = bases[Int(member.pointee.z.slot.base)]
      let x = UnsafeRawPointer(bases[Int(member.pointee.x.slot.base)])
      let y = bases[Int(member.pointee.y.slot.base)]
      if member.pointee.isFlat {
        let position = row * inner + start
        let w = bases[Int(member.pointee.w.slot.base)]
        run(
          member, rows * count, z + member.pointee.z.start(position), x + member.pointee.x.start(position),
          y + member.pointee.y.start(position), w + member.pointee.w.start(position))
      } else {
        runRows(member, region, z, x, y, row: row, rows: rows, start: start, count: count)
      }
    }
  }

  @inline(__always)
  private func prefetch(
    _ stream: Stream, _ bases: UnsafePointer<UnsafeMutableRawPointer>, _ position: Int, _ count: Int
  ) {
    ck_prefetch(bases[Int(stream.slot.base)] + stream.slot.offset + position * stream.width, count * stream.width)
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
          operand.slot.offset + (operand.isTile ? current * count * operand.stride : ofRow + start * operand.stride)
            * operand.width
        }
        run(
          member, count, z + offset(member.pointee.z, zRow), x + offset(member.pointee.x, xRow),
          y + offset(member.pointee.y, yRow), y)
      }
    }
  }

  @inline(__always)
  private func run(
    _ member: UnsafePointer<Member>, _ count: Int, _ z: UnsafeMutableRawPointer, _ x: UnsafeRawPointer,
    _ y: UnsafeMutableRawPointer,
    _ w: UnsafeMutableRawPointer
  ) {
    let (dz, dx, dy) = (member.pointee.z.stride, member.pointee.x.stride, member.pointee.y.stride)
    switch member.pointee.kernel {
    case .unary(let kernel): kernel(count, z, dz, x, dx)
    case .binary(let kernel): _ = kernel(count, z, dz, x, dx, y, dy)
    case .pair(let kernel): kernel(count, z, x, dx, y, dy, w, member.pointee.w.stride)
    case .withSlope(let kernel): kernel(count, z, w, x)
    case .select(let kernel): kernel(count, z, dz, x, dx, y, dy)
    case .cast(let kernel): _ = kernel(count, z, dz, x, dx)
    case .feed(let kernel): kernel(y, count, x, dx)
    case nil: break
    }
  }
}
