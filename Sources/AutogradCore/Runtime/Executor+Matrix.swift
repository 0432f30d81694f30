extension Program {
  func runMatrixFunction(
    _ instruction: Instruction, _ z: UnsafeMutableRawPointer, _ x: UnsafeRawPointer, _ y: UnsafeMutableRawPointer,
    _ stop: StopFlag
  ) throws(GraphError) {
    guard let function = MatrixFunction(rawValue: instruction.function) else { return }
    let call = matrixCalls[Int(instruction.detail)]
    let width = DType.float64.byteWidth
    var refused: (refusal: MatrixFunction.Refusal, matrix: Int)?
    var matrix = 0
    forEachRow(call.outer.sizes, call.outer.sizes.rank, call.outer.z, call.outer.x, call.outer.y, stop) {
      zStack, xStack, yStack in
      if refused == nil,
        let refusal = function.run(
          n: call.n, m: call.m, call.form, z + zStack * width, x + xStack * width, y + yStack * width, stop)
      {
        refused = (refusal, matrix)
      }
      matrix += 1
    }
    if let refused {
      let error = refused.refusal.error(matrix: matrix > 1 ? refused.matrix : nil)
      throw instruction.label >= 0 ? error.with(node: Int(instruction.label)) : error
    }
  }
}
