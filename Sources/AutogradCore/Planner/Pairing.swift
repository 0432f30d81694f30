import CKernels

/// Of each buffer of a plan, what the instructions of the region at hand do with it.
struct PairingColumns {
  fileprivate var readers: [Int32]
  /// The only instruction that writes it, -1 for none, -2 for several.
  fileprivate var writer: [Int32]

  init(bufferCount: Int) {
    readers = Array(repeating: 0, count: bufferCount)
    writer = Array(repeating: -1, count: bufferCount)
  }
}

extension RegionDraft {
  /// The instructions with those taken together of which one alone reads what the other makes: what passes between them
  /// then stays in a register. The first is put off until the second's turn, which it can be, as no memory is written
  /// any more once it has been read. Each still rounds by itself, so no bit changes. A tanh and its slope are taken
  /// together, too.
  func steps(_ scratch: inout Scratch) -> [Step] {
    for (index, instruction) in instructions.enumerated() {
      scratch.pairing.readers[Int(instruction.x.base)] += 1
      if instruction.kind == .binary || instruction.kind == .select {
        scratch.pairing.readers[Int(instruction.y.base)] += 1
      }
      let known = scratch.pairing.writer[Int(instruction.z.base)]
      scratch.pairing.writer[Int(instruction.z.base)] = known == -1 ? Int32(index) : -2
    }
    var isElsewhere = Array(repeating: false, count: instructions.count)
    var isPair = isElsewhere
    var steps = instructions.indices.map { Step(instruction: $0) }
    for index in instructions.indices {
      if let pair = pair(index, scratch, isPair) {
        steps[index] = pair
        isPair[index] = true
        if let first = pair.first { isElsewhere[first] = true }
      } else if let function = function(ofSlope: index, scratch), !isElsewhere[function], steps[function].slope == nil {
        // Together where the first of them is: the operand is there by then.
        steps[min(index, function)] = Step(instruction: function, slope: index)
        isElsewhere[max(index, function)] = true
      }
    }
    for instruction in instructions {
      for buffer in [instruction.z.base, instruction.x.base, instruction.y.base] {
        scratch.pairing.readers[Int(buffer)] = 0
        scratch.pairing.writer[Int(buffer)] = -1
      }
    }
    return steps.indices.compactMap { isElsewhere[$0] ? nil : steps[$0] }
  }

  /// The pair that ends with an instruction, if there is one.
  private func pair(_ index: Int, _ scratch: Scratch, _ isPair: [Bool]) -> Step? {
    let (second, inner) = (instructions[index], strides[index])
    guard second.dtype.isFloating, inner.areFlat, inner.z == 1 else { return nil }
    func step(_ t: Slot, _ function: ck_second_op, _ w: Operand?) -> Step? {
      guard let first = first(of: t, second.dtype, scratch), !isPair[first] else { return nil }
      // Where there is no second operand, any that can be read stands for it.
      return Step(
        instruction: index, first: first,
        second: (function, w ?? Operand(slot: instructions[first].x, stride: strides[first].x)))
    }
    if second.kind == .unary {
      return UInt32(second.function) == CK_NEG.rawValue ? step(second.x, CK_THEN_NEG, nil) : nil
    }
    guard second.kind == .binary, second.x.base != second.y.base, 0...1 ~= inner.x, 0...1 ~= inner.y else { return nil }
    let (x, y) = (Operand(slot: second.x, stride: inner.x), Operand(slot: second.y, stride: inner.y))
    return switch UInt32(second.function) {
    case CK_ADD.rawValue: step(x.slot, CK_THEN_ADD, y) ?? step(y.slot, CK_THEN_ADD, x)
    case CK_SUB.rawValue: step(x.slot, CK_THEN_SUB, y) ?? step(y.slot, CK_THEN_SUB_FROM, x)
    case CK_MUL.rawValue: step(x.slot, CK_THEN_MUL, y) ?? step(y.slot, CK_THEN_MUL, x)
    case CK_DIV.rawValue: step(x.slot, CK_THEN_DIV, y) ?? step(y.slot, CK_THEN_DIV_INTO, x)
    default: nil
    }
  }

  /// Where an instruction makes the slope of tanh: the tanh of the same operand, if there is one. Only if nothing else
  /// here writes where they do.
  private func function(ofSlope index: Int, _ scratch: Scratch) -> Int? {
    let slope = instructions[index]
    func makes(_ function: ck_unary_op, _ index: Int) -> Bool {
      let (instruction, inner) = (instructions[index], strides[index])
      return instruction.kind == .unary && UInt32(instruction.function) == function.rawValue
        && instruction.dtype == slope.dtype
        && instruction.x == slope.x && inner.areFlat && inner.z == 1 && inner.x == 1
        && scratch.pairing.writer[Int(instruction.z.base)] >= 0
    }
    guard makes(CK_SECH2, index) else { return nil }
    return instructions.indices.first { makes(CK_TANH, $0) }
  }

  /// The arithmetic that makes what lies in `t` for one reader alone.
  private func first(of t: Slot, _ dtype: DType, _ scratch: Scratch) -> Int? {
    let buffer = Int(t.base)
    let maker = Int(scratch.pairing.writer[buffer])
    guard scratch.tile[buffer] == Scratch.unused, scratch.pairing.readers[buffer] == 1, maker >= 0 else { return nil }
    let (first, inner) = (instructions[maker], strides[maker])
    guard first.kind == .binary, first.dtype == dtype, UInt32(first.function) <= CK_DIV.rawValue, inner.areFlat,
      0...1 ~= inner.x, 0...1 ~= inner.y
    else { return nil }
    return maker
  }
}
