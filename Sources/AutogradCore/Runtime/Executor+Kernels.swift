import CKernels

// The planner emits only kernels that exist for a dtype (the sweep runs every one), so a missing kernel is not an error
// here.

/// Runs `body` at each position of a loop's outer axes, with the offsets of z, x and y there, until the flag is raised:
/// an odometer, no recursion.
@inline(__always)
func forEachRow(
  _ sizes: Shape, _ axes: Int, _ z: Shape, _ x: Shape, _ y: Shape, _ stop: StopFlag,
  _ body: (_ z: Int, _ x: Int, _ y: Int) -> Void
) {
  if axes == 0 { return body(0, 0, 0) }
  for axis in 0..<axes where sizes[axis] == 0 { return }
  var position = Shape(repeating: 0, rank: axes)
  var (zOffset, xOffset, yOffset) = (0, 0, 0)
  while !stop.isRaised {
    body(zOffset, xOffset, yOffset)
    var axis = axes - 1
    while true {
      position[axis] += 1
      zOffset += z[axis]
      xOffset += x[axis]
      yOffset += y[axis]
      if position[axis] < sizes[axis] { break }
      zOffset -= z[axis] * sizes[axis]
      xOffset -= x[axis] * sizes[axis]
      yOffset -= y[axis] * sizes[axis]
      position[axis] = 0
      if axis == 0 { return }
      axis -= 1
    }
  }
}

/// Runs `body` on each line of a loop, long ones in pieces: with the number of elements, the position of the first in
/// row-major order, and the offsets of z, x and y there.
@inline(__always)
func forEachLine(
  _ loop: Loop, _ stop: StopFlag, _ body: (_ count: Int, _ position: Int, _ z: Int, _ x: Int, _ y: Int) -> Void
) {
  let inner = loop.inner
  if loop.sizes.rank < 2 && inner.count <= longestPiece { return body(inner.count, 0, 0, 0, 0) }
  var position = 0
  forEachRow(loop.sizes, max(loop.sizes.rank - 1, 0), loop.z, loop.x, loop.y, stop) { z, x, y in
    var start = 0
    repeat {
      let count = min(inner.count - start, longestPiece)
      body(count, position, z + start * inner.z, x + start * inner.x, y + start * inner.y)
      start += count
      position += count
    } while start < inner.count && !stop.isRaised
  }
}

extension Program {
  func runUnary(
    _ kernel: ck_unary_fn?, _ instruction: Instruction, _ z: UnsafeMutableRawPointer, _ x: UnsafeRawPointer,
    _ stop: StopFlag
  ) {
    guard let kernel else { return }
    let loop = loops[Int(instruction.detail)]
    let inner = loop.inner
    let (from, to) = (instruction.dtype.byteWidth, instruction.resultWidth)
    if loop.sizes.rank == 1, isWorthParts(inner.count) {
      return forEachPart(of: inner.count, stop) { part in
        kernel(part.count, z + part.lowerBound * inner.z * to, inner.z, x + part.lowerBound * inner.x * from, inner.x)
      }
    }
    forEachLine(loop, stop) { count, _, zLine, xLine, _ in
      kernel(count, z + zLine * to, inner.z, x + xLine * from, inner.x)
    }
  }

  func runBinary(
    _ instruction: Instruction, _ z: UnsafeMutableRawPointer, _ x: UnsafeRawPointer, _ y: UnsafeRawPointer,
    _ stop: StopFlag
  ) throws(GraphError) {
    guard let kernel = Kernels.binary(instruction.function, instruction.dtype) else { return }
    let loop = loops[Int(instruction.detail)]
    let inner = loop.inner
    let (from, to) = (instruction.dtype.byteWidth, instruction.resultWidth)
    if loop.sizes.rank == 1, instruction.dtype.isFloating, isWorthParts(inner.count) {
      return forEachPart(of: inner.count, stop) { part in
        let start = part.lowerBound
        _ = kernel(
          part.count, z + start * inner.z * to, inner.z, x + start * inner.x * from, inner.x,
          y + start * inner.y * from, inner.y)
      }
    }
    var refused = -1
    forEachLine(loop, stop) { count, position, zLine, xLine, yLine in
      let failed = kernel(count, z + zLine * to, inner.z, x + xLine * from, inner.x, y + yLine * from, inner.y)
      if failed >= 0 && refused < 0 { refused = position + failed }
    }
    if refused >= 0 {
      let error = PointwiseFunction.refusal(ck_binary_op(rawValue: UInt32(instruction.function)), at: refused)
      throw instruction.label >= 0 ? error.with(node: Int(instruction.label)) : error
    }
  }

  /// Where x is true, z takes y.
  func runSelect(
    _ instruction: Instruction, _ z: UnsafeMutableRawPointer, _ x: UnsafeRawPointer, _ y: UnsafeRawPointer,
    _ stop: StopFlag
  ) {
    guard let kernel = Kernels.select(instruction.dtype) else { return }
    let loop = loops[Int(instruction.detail)]
    let inner = loop.inner
    let width = instruction.dtype.byteWidth
    forEachLine(loop, stop) { count, _, zLine, xLine, yLine in
      kernel(count, z + zLine * width, inner.z, x + xLine, inner.x, y + yLine * width, inner.y)
    }
  }

  func runCast(
    _ instruction: Instruction, _ z: UnsafeMutableRawPointer, _ x: UnsafeRawPointer, _ stop: StopFlag
  ) throws(GraphError) {
    guard let target = DType(rawValue: instruction.function), let kernel = Kernels.cast(instruction.dtype, target)
    else { return }
    let loop = loops[Int(instruction.detail)]
    let inner = loop.inner
    let (from, to) = (instruction.dtype.byteWidth, target.byteWidth)
    var refused: (index: Int, value: Double)?
    forEachLine(loop, stop) { count, position, zLine, xLine, _ in
      let source = x + xLine * from
      let failed = kernel(count, z + zLine * to, inner.z, source, inner.x)
      if failed >= 0 && refused == nil {
        let element = source + failed * inner.x * from
        let value = instruction.dtype == .float64 ? element.load(as: Double.self) : Double(element.load(as: Float.self))
        refused = (position + failed, value)
      }
    }
    if let refused {
      let error = CastPrimitive.refusal(refused.value, at: refused.index, target)
      throw instruction.label >= 0 ? error.with(node: Int(instruction.label)) : error
    }
  }

  func runReduction(_ instruction: Instruction, _ z: UnsafeMutableRawPointer, _ x: UnsafeRawPointer, _ stop: StopFlag) {
    guard let kernel = Kernels.reduce(instruction.function, instruction.dtype) else { return }
    let reduction = reductions[Int(instruction.detail)]
    let (from, to) = (instruction.dtype.byteWidth, instruction.resultWidth)
    if reduction.columns == 1, reduction.outer.count == 1,
      reduceInParts(instruction, rows: reduction.rows, z, x, step: reduction.rowStride, stop)
    {
      return
    }
    forEachRow(
      reduction.outer.sizes, reduction.outer.sizes.rank, reduction.outer.z, reduction.outer.x, reduction.outer.y, stop
    ) {
      zRow, xRow, _ in
      kernel(
        reduction.columns, reduction.rows, z + zRow * to, x + xRow * from, reduction.columnStride, reduction.rowStride,
        stop)
    }
  }

  /// The last axis of the loop is the one along which a line goes.
  func runScan(
    _ instruction: Instruction, _ z: UnsafeMutableRawPointer, _ x: UnsafeRawPointer, _ y: UnsafeMutableRawPointer,
    _ stop: StopFlag
  ) {
    guard let kernel = Kernels.scan(instruction.function, instruction.dtype) else { return }
    let loop = loops[Int(instruction.detail)]
    let inner = loop.inner
    let (from, second, to) = (instruction.dtype.byteWidth, instruction.secondWidth, instruction.resultWidth)
    forEachRow(loop.sizes, max(loop.sizes.rank - 1, 0), loop.z, loop.x, loop.y, stop) { zRow, xRow, yRow in
      kernel(inner.count, z + zRow * to, inner.z, x + xRow * from, inner.x, y + yRow * second, inner.y, stop)
    }
  }

  func runMatMul(
    _ instruction: Instruction, _ z: UnsafeMutableRawPointer, _ x: UnsafeRawPointer, _ y: UnsafeRawPointer,
    _ stop: StopFlag
  ) {
    guard let kernel = Kernels.matmul(instruction.dtype) else { return }
    let product = products[Int(instruction.detail)]
    let width = instruction.dtype.byteWidth
    let vectorKernel = product.hasVector ? Kernels.matvec(instruction.dtype) : nil
    if vectorKernel == nil, product.outer.count == 1, multiplyInParts(kernel, product, width: width, z, x, y, stop) {
      return
    }
    forEachRow(product.outer.sizes, product.outer.sizes.rank, product.outer.z, product.outer.x, product.outer.y, stop) {
      zRow, xRow, yRow in
      let (z, x, y) = (z + zRow * width, x + xRow * width, y + yRow * width)
      guard let vectorKernel else {
        kernel(
          product.m, product.n, product.k, z, x, product.xRow, product.xColumn, y, product.yRow, product.yColumn, stop)
        return
      }
      if product.n == 1 {
        vectorKernel(product.m, product.k, z, x, product.xRow, product.xColumn, y, product.yRow, stop)
      } else {
        vectorKernel(product.n, product.k, z, y, product.yColumn, product.yRow, x, product.xColumn, stop)
      }
    }
  }

  func runCustom(_ instruction: Instruction, _ bases: UnsafePointer<UnsafeMutableRawPointer>) throws(GraphError) {
    let call = customCalls[Int(instruction.detail)]
    let operands = call.operands.map { type, slot in
      Tensor(type) { $0.copyMemory(from: bases[Int(slot.base)] + slot.offset, byteCount: type.byteCount) }
    }
    let results: [Tensor]
    do throws(GraphError) {
      results = try CustomPrimitive.forward(customOperations[call.operation], operands, call.results.map(\.type))
    } catch {
      throw instruction.label >= 0 ? error.with(node: Int(instruction.label)) : error
    }
    for (result, (type, slot)) in zip(results, call.results) {
      (bases[Int(slot.base)] + slot.offset).copyMemory(from: result.storage.base, byteCount: type.byteCount)
    }
  }
}
