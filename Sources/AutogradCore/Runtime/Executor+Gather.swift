import CKernels

extension Program {
  /// Gathers or adds up along indices; y holds them.
  func runGather(
    _ instruction: Instruction, _ z: UnsafeMutableRawPointer, _ x: UnsafeRawPointer, _ y: UnsafeRawPointer,
    _ stop: StopFlag
  ) throws(GraphError) {
    let indices: DType = instruction.function == DType.int32.rawValue ? .int32 : .int64
    let chosen =
      instruction.kind == .gather
      ? Kernels.gather(instruction.dtype, indices) : Kernels.scatterAdd(instruction.dtype, indices)
    guard let kernel = chosen else { return }
    let gather = gathers[Int(instruction.detail)]
    let inner = gather.outer.inner
    let (width, sumWidth, indexWidth) = (instruction.dtype.byteWidth, instruction.resultWidth, indices.byteWidth)
    var refused: Int64 = 0
    var isRefused = false
    forEachRow(
      gather.outer.sizes, max(gather.outer.sizes.rank - 1, 0), gather.outer.z, gather.outer.x, gather.outer.y, stop
    ) {
      zRow, xRow, yRow in
      let row = y + yRow * indexWidth
      // Some indices at a time, and of each some elements. What is indexed is not walked along: that the index does.
      let (zStep, xStep) = instruction.kind == .gather ? (gather.zStride, 0) : (0, gather.xStride)
      let together = max(longestPiece / max(inner.count, 1), 1)
      for first in stride(from: 0, to: gather.count, by: together) {
        let index = row + first * gather.indexStride * indexWidth
        var start = 0
        repeat {
          let count = min(inner.count - start, longestPiece)
          let failed = kernel(
            min(together, gather.count - first), count, gather.size,
            z + (zRow + first * zStep + start * inner.z) * sumWidth,
            gather.zStride,
            inner.z, x + (xRow + first * xStep + start * inner.x) * width, gather.xStride, inner.x, index,
            gather.indexStride)
          if failed >= 0 && !isRefused {
            isRefused = true
            let element = index + failed * gather.indexStride * indexWidth
            refused = indices == .int64 ? element.load(as: Int64.self) : Int64(element.load(as: Int32.self))
          }
          start += count
        } while start < inner.count && !stop.isRaised
        if isRefused || stop.isRaised { break }
      }
    }
    if isRefused {
      let error = gather.form.refusal(refused, axis: gather.axis, size: gather.size)
      throw instruction.label >= 0 ? error.with(node: Int(instruction.label)) : error
    }
  }
}
