import CKernels

extension Plan {
  /// Gathers or adds up along indices; y holds them.
  func runGather(
    _ instruction: Instruction, _ z: UnsafeMutableRawPointer, _ x: UnsafeRawPointer, _ y: UnsafeRawPointer
  ) throws(GraphError) {
    let indices: DType = instruction.function == DType.int32.rawValue ? .int32 : .int64
    let chosen =
      instruction.kind == .gather ? Kernels.gather(instruction.dtype, indices) : Kernels.scatterAdd(instruction.dtype, indices)
    guard let kernel = chosen else { return }
    let gather = gathers[Int(instruction.detail)]
    let inner = gather.outer.inner
    let (width, indexWidth) = (instruction.dtype.byteWidth, indices.byteWidth)
    var refused: Int64 = 0
    var isRefused = false
    forEachRow(gather.outer.sizes, max(gather.outer.sizes.rank - 1, 0), gather.outer.z, gather.outer.x, gather.outer.y) {
      zRow, xRow, yRow in
      let row = y + yRow * indexWidth
      let failed = kernel(
        gather.count, inner.count, gather.size, z + zRow * width, gather.zStride, inner.z, x + xRow * width, gather.xStride, inner.x, row,
        gather.indexStride)
      if failed >= 0 && !isRefused {
        isRefused = true
        let element = row + failed * gather.indexStride * indexWidth
        refused = indices == .int64 ? element.load(as: Int64.self) : Int64(element.load(as: Int32.self))
      }
    }
    if isRefused {
      let error = gather.form.refusal(refused, axis: gather.axis, size: gather.size)
      throw instruction.label >= 0 ? error.with(node: Int(instruction.label)) : error
    }
  }
}
