extension Opcode {
  public var primitive: any Primitive { OpCatalog.primitives[Int(rawValue)] }
  public var name: String { primitive.name }
}

/// The catalog: every primitive that a graph can hold, and every operation that a user can name.
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
    .input: LeafPrimitive(name: "input"), .constant: LeafPrimitive(name: "constant"),
    .stopGradient: StopGradientPrimitive(),
    .cast: CastPrimitive(), .select: SelectPrimitive(), .settled: SettledPrimitive(), .guarded: GuardedPrimitive(),
    .kept: KeptPrimitive(), .coincident: CoincidentPrimitive(),
    .signed: SignedPrimitive(),
    .betaInc: IncompleteBetaPrimitive(),
    .reshape: ReshapePrimitive(), .transpose: TransposePrimitive(), .broadcast: BroadcastPrimitive(),
    .slice: SlicePrimitive(), .unslice: UnslicePrimitive(), .split: SplitPrimitive(), .concat: ConcatPrimitive(),
    .gather: GatherPrimitive(form: .take), .scatterAdd: ScatterAddPrimitive(form: .take),
    .gatherAlong: GatherPrimitive(form: .along), .scatterAddAlong: ScatterAddPrimitive(form: .along),
    .sum: ReductionPrimitive.sum, .matmul: MatMulPrimitive(), .custom: CustomPrimitive(),
    .prod: ReductionPrimitive.prod, .max: ReductionPrimitive.max, .min: ReductionPrimitive.min,
    .all: ReductionPrimitive.all,
    .any: ReductionPrimitive.any, .argmax: ReductionPrimitive.argmax, .argmin: ReductionPrimitive.argmin,
    .mean: ReductionPrimitive.mean, .meanSquare: ReductionPrimitive.meanSquare,
    .scale: ReductionPrimitive.scale, .rest: ReductionPrimitive.rest,
    .lengthCode: ReductionPrimitive.lengthCode, .norm: RuledPrimitive.norm, .unit: RuledPrimitive.unit,
    .quotientByLength: RuledPrimitive.quotientByLength, .lengthPower: RuledPrimitive.lengthPower,
    .radialPower: RuledPrimitive.radialPower, .centred: RuledPrimitive.centred,
    .runningExtremum: RuledPrimitive.runningExtremum,
    .softmax: RuledPrimitive.softmax, .logSoftmax: RuledPrimitive.logSoftmax, .logSumExp: RuledPrimitive.logSumExp,
    .deviations: WeightedPrimitive.deviations, .weightedDeviations: WeightedPrimitive.weightedDeviations,
    .withoutShare: WeightedPrimitive.withoutShare,
    .productTerms: ProductTermsPrimitive(),
    .cumsum: CumulativeSumPrimitive(), .recurrence: RecurrencePrimitive(), .argsort: ArgsortPrimitive(),
    .permute: PermutationPrimitive(isInverse: false), .unpermute: PermutationPrimitive(isInverse: true),
    .cholesky: CholeskyPrimitive(), .triangularSolve: TriangularSolvePrimitive(), .lu: LUPrimitive(),
    .luSolve: LUSolvePrimitive(),
    .determinant: DeterminantPrimitive.determinant, .determinantSign: DeterminantPrimitive.sign,
    .determinantLog: DeterminantPrimitive.log,
    .cofactors: CofactorsPrimitive(),
    .scatterAlong: ScatterPrimitive(), .scatterMax: ScatterMaxPrimitive(), .cummaxPlace: RunningPlacePrimitive.largest,
    .cumminPlace: RunningPlacePrimitive.smallest, .logcumsumexp: LogCumulativeSumPrimitive(),
    .argselect: ArgselectPrimitive(), .searchLeft: SearchPrimitive(isRight: false),
    .searchRight: SearchPrimitive(isRight: true),
    .eigen: FactorisationPrimitive.eigen, .eigenvalues: RuledPrimitive.eigenvalues,
    .eigenvectors: RuledPrimitive.eigenvectors,
    .eigenSum: RuledPrimitive.eigenSum, .eigenDiagonal: RuledPrimitive.eigenDiagonal,
    .svd: FactorisationPrimitive.svd, .singularValues: RuledPrimitive.singularValues,
    .leftVectors: RuledPrimitive.leftVectors,
    .rightVectors: RuledPrimitive.rightVectors, .singularSum: RuledPrimitive.singularSum,
    .singularDiagonal: RuledPrimitive.singularDiagonal, .differenceQuotient: RuledPrimitive.differenceQuotient,
    .blur: RuledPrimitive.blur,
    .powDerivative: PowerDerivativePrimitive(), .qr: FactorisationPrimitive.qr,
    .orthogonalFactor: RuledPrimitive.orthogonalFactor,
    .triangularFactor: RuledPrimitive.triangularFactor, .pseudoinverse: RuledPrimitive.pseudoinverse,
    .cutPart: RuledPrimitive.cutPart, .ofFullRank: RuledPrimitive.ofFullRank,
    .exponential: FactorisationPrimitive.exponential, .exponentialTangent: FactorisationPrimitive.exponentialTangent,
    .exponentialSlope: RuledPrimitive.exponentialSlope,
  ]

  /// A group of operations in the reference.
  public struct Family: Sendable {
    public let title: String
    public let operations: [any Operation]

    package init(_ title: String, _ operations: [any Operation]) {
      self.title = title
      self.operations = operations
    }
  }

  public static let families: [Family] = [
    Family("Arithmetic", operations(PointwiseFunction.arithmetic)),
    Family("Powers, exponentials and logarithms", operations(PointwiseFunction.exponentials)),
    Family("Trigonometric and hyperbolic functions", operations(PointwiseFunction.trigonometric)),
    Family("Special functions", operations(PointwiseFunction.special) + [PolygammaOperation()]),
    Family("Probability and Bessel functions", operations(PointwiseFunction.normal + PointwiseFunction.oscillating)),
    Family(
      "Incomplete gamma, beta and zeta functions",
      operations(PointwiseFunction.parametric) + [IncompleteBetaOperation()]),
    Family("Functions of two operands", operations(PointwiseFunction.binary)),
    Family("Activations", operations(PointwiseFunction.activations) + CompositeOperation.activations),
    Family("Rounding and bounds", operations(PointwiseFunction.rounding) + [CompositeOperation.clip]),
    Family(
      "Comparisons and choice",
      operations(PointwiseFunction.comparisons + PointwiseFunction.tests) + CompositeOperation.comparisons + [
        WhereOperation()
      ]),
    Family("Constants and dtypes", [IdentityOperation(), ConstantOperation(), CastOperation()]),
    Family("Derivatives", [GradOperation(), StopGradientOperation()]),
    Family(
      "Shape",
      [
        ReshapeOperation(), TransposeOperation(), BroadcastOperation(), ExpandDimsOperation(), SqueezeOperation(),
      ]),
    Family(
      "Parts and joins", [SliceOperation(), SplitOperation(), ConcatOperation(), StackOperation(), UnstackOperation()]),
    Family("Arrangement", [PadOperation(), FlipOperation(), RollOperation(), TileOperation(), RepeatOperation()]),
    Family("Picking by index", [TakeOperation(), TakeAlongAxisOperation(), UnfoldOperation()]),
    Family(
      "Putting by index",
      [ScatterOperation.last, ScatterOperation.sum, IndexAddOperation(), SegmentOperation.sum, SegmentOperation.max]),
    Family(
      "Reductions",
      [ReductionOperation.sum] + ReductionOperation.others + CompositeOperation.statistics + PlaceOperation.all),
    Family("Order", [RankOperation.topK, RankOperation.kthValue] + QuantileOperation.all + [SearchSortedOperation()]),
    Family(
      "Along an axis",
      ScanOperation.all + [ScanOperation.logcumsumexp] + ScanOperation.runningExtrema + CompositeOperation.normalisers
        + [DifferenceOperation(), TrapezoidOperation()]),
    Family(
      "Matrices",
      [MatMulOperation(), EinsumOperation(), OuterOperation()]
        + [TriangleOperation.lower, TriangleOperation.upper, DiagonalOperation(), TraceOperation()]
        + [DiagonalEmbedOperation.diag, DiagonalEmbedOperation.embed]
        + [TensorDotOperation(), KroneckerOperation(), CrossOperation(), DistanceOperation()]),
    Family(
      "Linear algebra",
      [
        SolveOperation(), SolveTriangularOperation(), CholeskyOperation(), InverseOperation(), DeterminantOperation(),
        LogDeterminantOperation(),
      ]),
    Family(
      "Decompositions and functions of matrices",
      [
        EigenOperation(), EigenvaluesOperation(), SVDOperation(), SingularValuesOperation(), QROperation(),
        LeastSquaresOperation(), PseudoinverseOperation(), MatrixRankOperation(), MatrixExponentialOperation(),
        MatrixPowerOperation(),
      ]),
  ]

  private static func operations(_ functions: [PointwiseFunction]) -> [any Operation] {
    functions.map { PointwiseOperation(function: $0) }
  }

  /// All of them, family by family.
  public static let operations: [any Operation] = families.flatMap(\.operations)

  private static let byName: [String: Int] = Dictionary(
    uniqueKeysWithValues: operations.enumerated().map { ($1.reference.name, $0) })

  public static func operation(named name: String) -> (any Operation)? { byName[name].map { operations[$0] } }

  /// Up to three operations that `name` may have meant, best first: by their names in other libraries, then by similar
  /// spelling, unless the name is known to mean something else.
  public static func suggestions(for name: String) -> [String] {
    let known = namesakes(of: name)
    return known.isEmpty && LookedFor.advice(for: plain(name)) == nil ? spelledAlike(name) : known
  }

  /// The continuation of an error about an unknown operation: similar names, or the operation here that does the same;
  /// nil if neither is known.
  public static func hint(for name: String) -> String? {
    let near = suggestions(for: name)
    return near.isEmpty ? LookedFor.advice(for: plain(name)) : "did you mean \(near.joined(separator: " or "))?"
  }

  private static func plain(_ name: String) -> String {
    name.lowercased().filter { $0.isLetter || $0.isNumber || $0 == "_" }
  }

  private static func namesakes(of name: String) -> [String] {
    let plain = plain(name)
    return operations.map(\.reference).filter { reference in
      // Symbols such as + have no plain form.
      reference.name == plain || reference.otherNames.contains(plain) || reference.otherNames.contains(name)
    }.map(\.name)
  }

  /// Only names of at least four letters, one edit away: others often mean something else.
  private static func spelledAlike(_ name: String) -> [String] {
    let plain = plain(name)
    return plain.utf8.count < 4 ? [] : NearestNames.find(plain, among: operations.map(\.reference.name), within: 1)
  }
}
