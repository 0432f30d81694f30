import CKernels

extension Program {
  /// Elements of x go to z at the indices in y: the last one wins, or the largest.
  func runScatter(
    _ instruction: Instruction, _ z: UnsafeMutableRawPointer, _ x: UnsafeRawPointer, _ y: UnsafeRawPointer,
    _ stop: StopFlag
  ) throws(GraphError) {
    let indices: DType = instruction.function == DType.int32.rawValue ? .int32 : .int64
    let chosen =
      instruction.kind == .scatter
      ? Kernels.scatter(instruction.dtype, indices) : Kernels.scatterMax(instruction.dtype, indices)
    guard let kernel = chosen else { return }
    let gather = gathers[Int(instruction.detail)]
    let inner = gather.outer.inner
    let (width, indexWidth) = (instruction.dtype.byteWidth, indices.byteWidth)
    // Some indices at a time, and of each some elements, so that the flag is looked at often enough.
    let together = max(longestPiece / max(inner.count, 1), 1)
    var refused: Int64?
    forEachRow(
      gather.outer.sizes, max(gather.outer.sizes.rank - 1, 0), gather.outer.z, gather.outer.x, gather.outer.y, stop
    ) {
      zRow, xRow, yRow in
      var first = 0
      while first < gather.count, refused == nil, !stop.isRaised {
        let count = min(together, gather.count - first)
        let index = y + (yRow + first * gather.indexStride) * indexWidth
        var start = 0
        repeat {
          let failed = kernel(
            count, min(inner.count - start, longestPiece), gather.size, z + (zRow + start * inner.z) * width,
            gather.zStride, inner.z,
            x + (xRow + first * gather.xStride + start * inner.x) * width, gather.xStride, inner.x, index,
            gather.indexStride)
          if failed >= 0 && refused == nil {
            let element = index + failed * gather.indexStride * indexWidth
            refused = indices == .int64 ? element.load(as: Int64.self) : Int64(element.load(as: Int32.self))
          }
          start += longestPiece
        } while start < inner.count && refused == nil && !stop.isRaised
        first += count
      }
    }
    if let refused {
      let error = gather.form.scatterRefusal(refused, axis: gather.axis, size: gather.size)
      throw instruction.label >= 0 ? error.with(node: Int(instruction.label)) : error
    }
  }
}
