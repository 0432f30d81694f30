/// The primitives, by number: a node holds one of these.
public enum Opcode: UInt16, Sendable, CaseIterable {
  // Leaves.
  case input, constant
  // Pointwise.
  case neg, add, sub, mul, div, cast
  // Shape.
  case reshape, transpose, broadcast, slice, unslice, split, concat
  // Reductions and products.
  case sum, matmul
  // A library user's own.
  case custom

  public var primitive: any Primitive { OpCatalog.primitives[Int(rawValue)] }
  public var name: String { primitive.name }
}

/// The table of contents: every primitive that a graph can hold, and every operation that a user can name.
public enum OpCatalog {
  static let primitives: [any Primitive] = Opcode.allCases.map { opcode in
    switch opcode {
    case .input: LeafPrimitive(name: "input")
    case .constant: LeafPrimitive(name: "constant")
    case .neg: Pointwise.neg
    case .add: Pointwise.add
    case .sub: Pointwise.sub
    case .mul: Pointwise.mul
    case .div: Pointwise.div
    case .cast: CastPrimitive()
    case .reshape: ReshapePrimitive()
    case .transpose: TransposePrimitive()
    case .broadcast: BroadcastPrimitive()
    case .slice: SlicePrimitive()
    case .unslice: UnslicePrimitive()
    case .split: SplitPrimitive()
    case .concat: ConcatPrimitive()
    case .sum: SumPrimitive()
    case .matmul: MatMulPrimitive()
    case .custom: CustomPrimitive()
    }
  }

  /// In the order in which they are listed to people.
  public static let operations: [any Operation] = [
    PointwiseOperation.add, PointwiseOperation.sub, PointwiseOperation.mul, PointwiseOperation.div, PointwiseOperation.neg,
    IdentityOperation(), ConstantOperation(), CastOperation(),
    ReshapeOperation(), TransposeOperation(), BroadcastOperation(), SliceOperation(), SplitOperation(),
    SumOperation(), MatMulOperation(),
  ]

  private static let byName: [String: Int] = Dictionary(
    uniqueKeysWithValues: operations.enumerated().map { ($1.reference.name, $0) })

  public static func operation(named name: String) -> (any Operation)? { byName[name].map { operations[$0] } }

  /// The operations that somebody who wrote `name` may have meant, best first, at most three: what other libraries call it, then what is
  /// spelled alike.
  public static func suggestions(for name: String) -> [String] {
    let plain = name.lowercased().filter { $0.isLetter || $0.isNumber || $0 == "_" }
    let foreign = operations.filter { operation in
      let otherNames = operation.reference.otherNames
      // Signs such as + have no plain form.
      return operation.reference.name == plain || otherNames.contains(plain) || otherNames.contains(name)
    }.map(\.reference.name)
    return foreign.isEmpty ? NearestNames.find(plain, among: operations.map(\.reference.name)) : foreign
  }
}
