/// The primitives, by number: a node holds one of these.
public enum Opcode: UInt16, Sendable, CaseIterable {
  // Leaves.
  case input, constant
  // Pointwise.
  case add, sub, mul, div, neg
  case abs, square, reciprocal, sqrt, rsqrt, exp, expm1, log, log1p, log2, log10
  case sin, cos, tan, asin, acos, atan, sinh, cosh, tanh, asinh, acosh, atanh
  case erf, erfc, erfinv, lgamma, digamma, polygamma, sigmoid, softplus, logSigmoid, relu
  case sign, floor, ceil, round, trunc, isNaN, isInfinite, isFinite
  case pow, maximum, minimum, atan2, hypot, logAddExp, remainder, xlogy
  // Pointwise functions that only derivatives make.
  case sech2, gaussian, gaussianDerivative, expSquare, tanSlope, asinSlope, atanhSlope, zeroOf
  case direction, inversion, powByX, powByY, powDerivative
  case equal, notEqual, less, lessEqual, logicalAnd, logicalOr, logicalXor, logicalNot
  case select, cast, stopGradient, settled, guarded
  // Shape.
  case reshape, transpose, broadcast, slice, unslice, split, concat
  // Indices.
  case gather, scatterAdd, gatherAlong, scatterAddAlong
  // Reductions and products.
  case sum, matmul
  case prod, max, min, all, any, argmax, argmin
  // Along an axis.
  case cumsum, recurrence, argsort, permute, unpermute
  // Matrices.
  case cholesky, triangularSolve, lu, luSolve, determinant, determinantSign, determinantLog, cofactors
  // A library user's own.
  case custom

  public var primitive: any Primitive { OpCatalog.primitives[Int(rawValue)] }
  public var name: String { primitive.name }
}

/// The table of contents: every primitive that a graph can hold, and every operation that a user can name.
public enum OpCatalog {
  static let primitives: [any Primitive] = {
    let pointwise = Dictionary(uniqueKeysWithValues: PointwiseFunction.all.map { ($0.opcode, $0) })
    return Opcode.allCases.map { opcode in
      if let function = pointwise[opcode] { return PointwisePrimitive(function: function) }
      guard let primitive = structural[opcode] else { preconditionFailure("\(opcode) has no primitive: see OpCatalog") }
      return primitive
    }
  }()

  private static let structural: [Opcode: any Primitive] = [
    .input: LeafPrimitive(name: "input"), .constant: LeafPrimitive(name: "constant"), .stopGradient: StopGradientPrimitive(),
    .cast: CastPrimitive(), .select: SelectPrimitive(), .settled: SettledPrimitive(), .guarded: GuardedPrimitive(),
    .reshape: ReshapePrimitive(), .transpose: TransposePrimitive(), .broadcast: BroadcastPrimitive(),
    .slice: SlicePrimitive(), .unslice: UnslicePrimitive(), .split: SplitPrimitive(), .concat: ConcatPrimitive(),
    .gather: GatherPrimitive(form: .take), .scatterAdd: ScatterAddPrimitive(form: .take),
    .gatherAlong: GatherPrimitive(form: .along), .scatterAddAlong: ScatterAddPrimitive(form: .along),
    .sum: ReductionPrimitive.sum, .matmul: MatMulPrimitive(), .custom: CustomPrimitive(),
    .prod: ReductionPrimitive.prod, .max: ReductionPrimitive.max, .min: ReductionPrimitive.min, .all: ReductionPrimitive.all,
    .any: ReductionPrimitive.any, .argmax: ReductionPrimitive.argmax, .argmin: ReductionPrimitive.argmin,
    .cumsum: CumulativeSumPrimitive(), .recurrence: RecurrencePrimitive(), .argsort: ArgsortPrimitive(),
    .permute: PermutationPrimitive(isInverse: false), .unpermute: PermutationPrimitive(isInverse: true),
    .cholesky: CholeskyPrimitive(), .triangularSolve: TriangularSolvePrimitive(), .lu: LUPrimitive(), .luSolve: LUSolvePrimitive(),
    .determinant: DeterminantPrimitive.determinant, .determinantSign: DeterminantPrimitive.sign, .determinantLog: DeterminantPrimitive.log,
    .cofactors: CofactorsPrimitive(),
  ]

  /// Operations that belong together, as they are listed to people.
  public struct Family: Sendable {
    public let title: String
    public let operations: [any Operation]

    fileprivate init(_ title: String, _ operations: [any Operation]) {
      self.title = title
      self.operations = operations
    }
  }

  public static let families: [Family] = [
    Family("Arithmetic", operations(PointwiseFunction.arithmetic)),
    Family("Powers, exponentials and logarithms", operations(PointwiseFunction.exponentials)),
    Family("Trigonometric and hyperbolic functions", operations(PointwiseFunction.trigonometric)),
    Family("Special functions", operations(PointwiseFunction.special) + [PolygammaOperation()]),
    Family("Functions of two operands", operations(PointwiseFunction.binary)),
    Family("Activations", operations(PointwiseFunction.activations) + CompositeOperation.activations),
    Family("Rounding and bounds", operations(PointwiseFunction.rounding) + [CompositeOperation.clip]),
    Family(
      "Comparisons and choice",
      operations(PointwiseFunction.comparisons + PointwiseFunction.tests) + CompositeOperation.comparisons + [WhereOperation()]),
    Family("Constants and dtypes", [IdentityOperation(), ConstantOperation(), CastOperation()]),
    Family("Derivatives", [GradOperation(), StopGradientOperation()]),
    Family(
      "Shape",
      [
        ReshapeOperation(), TransposeOperation(), BroadcastOperation(), ExpandDimsOperation(), SqueezeOperation(),
      ]),
    Family("Parts and joins", [SliceOperation(), SplitOperation(), ConcatOperation(), StackOperation(), UnstackOperation()]),
    Family("Arrangement", [PadOperation(), FlipOperation(), RollOperation(), TileOperation(), RepeatOperation()]),
    Family("Picking by index", [TakeOperation(), TakeAlongAxisOperation()]),
    Family("Reductions", [ReductionOperation.sum] + ReductionOperation.others + CompositeOperation.statistics + PlaceOperation.all),
    Family("Along an axis", ScanOperation.all + CompositeOperation.normalisers),
    Family(
      "Matrices",
      [MatMulOperation(), EinsumOperation(), OuterOperation()]
        + [TriangleOperation.lower, TriangleOperation.upper, DiagonalOperation(), TraceOperation()]),
    Family(
      "Linear algebra",
      [
        SolveOperation(), SolveTriangularOperation(), CholeskyOperation(), InverseOperation(), DeterminantOperation(),
        LogDeterminantOperation(),
      ]),
  ]

  private static func operations(_ functions: [PointwiseFunction]) -> [any Operation] { functions.map { PointwiseOperation(function: $0) } }

  /// All of them, family by family.
  public static let operations: [any Operation] = families.flatMap(\.operations)

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
