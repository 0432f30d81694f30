import CKernels

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Scratch memory for one run.
struct Workspace: ~Copyable {
  let base: UnsafeMutableRawPointer

  init(byteCount: Int) { base = AlignedMemory.allocate(byteCount) }

  deinit { free(base) }
}

extension Program {
  /// Runs the instructions in memory of its own; see ``Plan/run(_:)``.
  func run(_ inputs: [Tensor], _ interruption: Interruption?) throws(GraphError) -> [Tensor] {
    guard inputs.count == inputTypes.count else {
      throw GraphError(.inputMismatch, "\(inputTypes.count) inputs are needed, \(inputs.count) are given")
    }
    for (index, input) in inputs.enumerated() where input.type != inputTypes[index] {
      throw GraphError(.inputMismatch, "input \(index) is \(inputTypes[index]), a \(input.type) is given")
    }
    let results = resultTypes.map { Storage(byteCount: $0.byteCount) }
    let workspace = Workspace(byteCount: workspaceByteCount)
    let bases = UnsafeMutablePointer<UnsafeMutableRawPointer>.allocate(capacity: baseCount)
    defer { bases.deallocate() }
    bases.initialize(repeating: workspace.base, count: baseCount)
    for (index, input) in inputs.enumerated() { bases[Program.firstInputBase + index] = input.storage.base }
    for (index, constant) in constants.enumerated() { bases[firstConstantBase + index] = constant.storage.base }
    for (index, result) in results.enumerated() { bases[firstResultBase + index] = result.base }
    // The memory of inputs and constants is reached through `bases` alone while instructions run.
    defer { withExtendedLifetime((inputs, constants)) {} }
    try run(over: bases, interruption)
    return outputs.map { Tensor(resultTypes[$0], storage: results[$0]) }
  }

  /// Runs the instructions over a table of base pointers, complete but for the pool of scalars.
  func run(over bases: UnsafeMutablePointer<UnsafeMutableRawPointer>, _ interruption: Interruption?) throws(GraphError)
  {
    defer { withExtendedLifetime(interruption) {} }
    let failure: GraphError? = pool.withUnsafeBytes { bytes in
      // Instructions only read it.
      bases[Program.ownBase] = bases[Program.workspaceBase] + (workspaceByteCount - ownByteCount)
      bases[Program.poolBase] =
        bytes.baseAddress.map { UnsafeMutableRawPointer(mutating: $0) } ?? bases[Program.workspaceBase]
      do throws(GraphError) {
        try execute(UnsafePointer(bases), interruption?.flag ?? .never)
        return nil
      } catch {
        return error
      }
    }
    if let failure { throw failure }
  }

  private func execute(_ bases: UnsafePointer<UnsafeMutableRawPointer>, _ stop: StopFlag) throws(GraphError) {
    for index in instructions.indices {
      if stop.isRaised { throw Interruption.error }
      let instruction = instructions[index]
      let z = bases[Int(instruction.z.base)] + instruction.z.offset
      let x = bases[Int(instruction.x.base)] + instruction.x.offset
      let y = bases[Int(instruction.y.base)] + instruction.y.offset
      switch instruction.kind {
      case .copy: runUnary(Kernels.copy(instruction.dtype), instruction, z, x, stop)
      case .unary: runUnary(Kernels.unary(instruction.function, instruction.dtype), instruction, z, x, stop)
      case .binary: try runBinary(instruction, z, x, y, stop)
      case .select: runSelect(instruction, z, x, y, stop)
      case .cast: try runCast(instruction, z, x, stop)
      case .reduce: runReduction(instruction, z, x, stop)
      case .scan: runScan(instruction, z, x, y, stop)
      case .matmul: runMatMul(instruction, z, x, y, stop)
      case .custom: try runCustom(instruction, bases)
      case .gather, .scatterAdd: try runGather(instruction, z, x, y, stop)
      case .scatter, .scatterMax: try runScatter(instruction, z, x, y, stop)
      case .region: runRegion(regions[Int(instruction.detail)], bases, stop)
      case .matrix: try runMatrixFunction(instruction, z, x, y, stop)
      }
    }
    if stop.isRaised { throw Interruption.error }
  }
}
