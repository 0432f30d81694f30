import CKernels

/// A node that need not be added, because the graph has its value already or a simpler node gives it.
///
/// Each preserves every bit of the value under IEEE 754, NaN and signed zeros included: so x · 0 is not 0, because x
/// may be infinite, and x + 0 is not x, because x may be -0. The square of a length alone is another formula, see
/// ``SquareOfRoot``.
struct Rewrite: Sendable {
  let name: String
  let opcode: Opcode
  /// What stands for the node; nil where the rewrite does not apply. Of one operand, x and y are the same.
  let apply: @Sendable (_ builder: GraphBuilder, _ x: Value, _ y: Value, _ attributes: Attributes) -> Value?

  static let all = [
    Rewrite(name: "x · 1 is x", opcode: .mul) { builder, x, y, _ in
      builder.isFilled(y, with: 1) ? x : builder.isFilled(x, with: 1) ? y : nil
    },
    Rewrite(name: "x / 1 is x", opcode: .div) { builder, x, y, _ in builder.isFilled(y, with: 1) ? x : nil },
    Rewrite(name: "x - 0 is x", opcode: .sub) { builder, x, y, _ in builder.isFilled(y, with: 0) ? x : nil },
    Rewrite(name: "-(-x) is x", opcode: .neg) { builder, x, _, _ in builder.operand(of: x, if: .neg) },
    Rewrite(name: "a reshape of a reshape is one", opcode: .reshape) { builder, x, _, attributes in
      guard case .shape(let shape) = attributes, let inner = builder.operand(of: x, if: .reshape) else { return nil }
      return builder.reshape(inner, to: shape)
    },
    Rewrite(name: "a cast to the same dtype", opcode: .cast) { _, x, _, attributes in
      if case .dtype(x.dtype) = attributes { x } else { nil }
    },
    Rewrite(name: "a broadcast of a broadcast is one", opcode: .broadcast) { builder, x, _, attributes in
      guard case .shape(let shape) = attributes, let inner = builder.operand(of: x, if: .broadcast) else { return nil }
      return builder.broadcast(inner, to: shape)
    },
    Rewrite(name: "a transpose of a transpose is one", opcode: .transpose) { builder, x, _, attributes in
      guard case .permutation(let outer) = attributes, let inner = builder.operand(of: x, if: .transpose),
        case .permutation(let first) = builder.columns.attributes(of: builder.columns.producers[Int(x.id)])
      else { return nil }
      return builder.transpose(inner, Shape(outer.array.map { first[$0] }))
    },
    constant(.add, CK_ADD), constant(.sub, CK_SUB), constant(.mul, CK_MUL), constant(.div, CK_DIV),
    Rewrite(name: "the square of a root is what it is the root of", opcode: .square) { builder, x, _, _ in
      SquareOfRoot.rewritten(x, builder)
    },
    Rewrite(name: "the product of two multiples of a root has no root", opcode: .mul) { builder, x, y, _ in
      SquareOfRoot.rewritten(x, y, builder) ?? builder.productOfPowers(x, y) ?? builder.productOfOddFunctions(x, y)
    },
    Rewrite(name: "a product of two vectors of roots is a sum of squares", opcode: .matmul) { builder, x, y, _ in
      SquareOfRoot.product(ofVectors: x, y, builder)
    },
    Rewrite(name: "an even power of a root is one of what it is the root of", opcode: .pow) { builder, x, y, _ in
      guard let powers = builder.constantNumbers(y),
        powers.allSatisfy({ $0 >= 2 && $0 <= 0x1p20 && $0.remainder(dividingBy: 2) == 0 }),
        let square = SquareOfRoot.rewritten(x, builder)
      else { return nil }
      if powers.allSatisfy({ $0 == 2 }) { return square }
      return builder.emit(.pow, square, builder.filledNumber(y).map { square.filled($0 / 2) } ?? y * 0.5)
    },
    Rewrite(name: "another power of a length has derivatives of its own", opcode: .pow) { builder, x, y, _ in
      builder.powerOfLength(x, y)
    },
    Rewrite(name: "a length has no sign", opcode: .abs) { builder, x, _, _ in builder.isLength(x) ? x : nil },
    Rewrite(name: "a length is not negative", opcode: .relu) { builder, x, _, _ in builder.isLength(x) ? x : nil },
    even(.cos), even(.cosh), even(.sinc), even(.gaussian),
  ]

  /// An even function takes no notice of the sign of its operand, and so none of a corner there.
  private static func even(_ opcode: Opcode) -> Rewrite {
    Rewrite(name: "\(opcode) of |x| is that of x", opcode: opcode) { builder, x, _, _ in
      builder.operand(of: x, if: .abs).map { $0.emit(opcode) }
    }
  }

  /// By opcode.
  static let table: [[Rewrite]] = Opcode.allCases.map { opcode in all.filter { $0.opcode == opcode } }

  /// Two float constants are computed with here, by the kernel that would do so when the plan runs.
  private static func constant(_ opcode: Opcode, _ function: ck_binary_op) -> Rewrite {
    Rewrite(name: "\(opcode) of constants is a constant", opcode: opcode) { builder, x, y, _ in
      guard x.dtype.isFloating, let a = builder.constantScalar(x)?.tensor, let b = builder.constantScalar(y)?.tensor
      else { return nil }
      let result = Tensor(TensorType(x.dtype, [])) { z in
        withExtendedLifetime((a, b)) {
          _ = Kernels.binary(UInt8(function.rawValue), x.dtype)?(1, z, 1, a.storage.base, 1, b.storage.base, 1)
        }
      }
      return builder.constant(Scalar(of: result))
    }
  }
}

extension GraphBuilder {
  /// What stands for a node that is about to be added; nil if it must be.
  @inline(__always)
  func simplified(_ opcode: Opcode, _ x: Value, _ y: Value, _ attributes: Attributes) -> Value? {
    for rewrite in Rewrite.table[Int(opcode.rawValue)] {
      guard let value = rewrite.apply(self, x, y, attributes) else { continue }
      if value.id != x.id && value.id != y.id { lookedThrough.formUnion([x.id, y.id]) }
      return value
    }
    return nil
  }

  /// The operand of the node that makes a value, if it is of one operation.
  func operand(of value: Value, if opcode: Opcode) -> Value? {
    let node = columns.producers[Int(value.id)]
    return columns.opcodes[Int(node)] == opcode ? self.value(columns.operand(node, 0)) : nil
  }

  /// The product of two odd functions of |x| is that of the same of x, which has no corner.
  fileprivate func productOfOddFunctions(_ x: Value, _ y: Value) -> Value? {
    guard !isWithinRoot, let left = oddFunction(x), let right = oddFunction(y), left.ofSize.id == right.ofSize.id,
      left.function != nil || right.function != nil
    else { return nil }
    let inner = value(columns.operand(columns.producers[Int(left.ofSize.id)], 0))
    func applied(_ function: Opcode?) -> Value { function.map { inner.emit($0) } ?? inner }
    return emit(.mul, applied(left.function), applied(right.function))
  }

  /// Which odd function of |x| a value is, none for |x| itself.
  private func oddFunction(_ value: Value) -> (ofSize: Value, function: Opcode?)? {
    let node = columns.producers[Int(value.id)]
    let opcode = columns.opcodes[Int(node)]
    switch opcode {
    case .abs: return (value, nil)
    case .sin, .tan, .asin, .atan, .sinh, .tanh, .asinh, .atanh, .erf, .erfinv:
      let x = self.value(columns.operand(node, 0))
      return operand(of: x, if: .abs) == nil ? nil : (x, opcode)
    default: return nil
    }
  }

  /// The number of a scalar constant.
  fileprivate func constantScalar(_ value: Value) -> Scalar? {
    let node = columns.producers[Int(value.id)]
    guard columns.opcodes[Int(node)] == .constant, case .scalar(let dtype, let bits) = columns.attributes(of: node)
    else { return nil }
    return Scalar(dtype, bits: bits)
  }

  /// The number that a floating value is everywhere.
  func filledNumber(_ value: Value) -> Double? {
    guard value.dtype.isFloating, let scalar = constantScalar(operand(of: value, if: .broadcast) ?? value) else {
      return nil
    }
    return scalar.dtype == .float64
      ? Double(bitPattern: scalar.bits) : Double(Float(bitPattern: UInt32(truncatingIfNeeded: scalar.bits)))
  }

  /// The numbers of a constant, a single one if it is one everywhere.
  fileprivate func constantNumbers(_ value: Value) -> [Double]? {
    if let number = filledNumber(value) { return [number] }
    let source = operand(of: value, if: .broadcast) ?? value
    let node = columns.producers[Int(source.id)]
    guard value.dtype.isFloating, columns.opcodes[Int(node)] == .constant, source.shape.elementCount <= 4096,
      case .index(let index) = columns.attributes(of: node)
    else { return nil }
    return columns.tensors[index].doubles
  }

  /// Whether a value is a length, which is nowhere negative.
  fileprivate func isLength(_ value: Value) -> Bool {
    let opcode = columns.opcodes[Int(columns.producers[Int(value.id)])]
    return opcode == .norm || opcode == .hypot || opcode == .abs
  }

  /// Whether a value is one number everywhere.
  func isFilled(_ value: Value, with number: Int8) -> Bool {
    var source = value
    // A cotangent of ones is a broadcast of a reshape; longer chains are not worth walking for every node.
    for _ in 0..<4 {
      guard let inner = operand(of: source, if: .broadcast) ?? operand(of: source, if: .reshape) else { break }
      source = inner
    }
    guard let scalar = constantScalar(source) else { return false }
    return scalar.bits == Scalar(number, as: scalar.dtype).bits
  }
}
