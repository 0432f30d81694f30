import AutogradTestSupport
import Testing

@testable import AutogradCore

/// Every operation of the catalog under the same tests. Nothing here names an operation: a new one is tested by being
/// listed.
@Suite struct SweepTests {
  /// One sample of one operation, its floating operands in one dtype.
  struct Case: Sendable, CustomTestStringConvertible {
    var operation: any Operation
    var sample: OperationSample
    var dtype: DType

    var testDescription: String { "\(operation.reference.name) \(sample.shapes) \(sample.attributes) \(dtype)" }

    func graph() throws(GraphError) -> Graph {
      let builder = GraphBuilder()
      let operands = sample.shapes.enumerated().map { Operand.value(builder.input("x\($0)", self.dtype(of: $0), $1)) }
      let results = try builder.apply(operation, operands, sample.attributes, resultCount: sample.resultCount)
      return try builder.graph(outputs: results)
    }

    func dtype(of operand: Int) -> DType {
      switch operation.reference.kind(of: operand) {
      case .promoted, .asItIs: dtype
      case .condition: .bool
      case .index: .int64
      }
    }

    /// Primals from the operation's domain; whatever else the graph takes from anywhere.
    func inputs(_ graph: Graph, _ random: inout SeededGenerator) -> [Tensor] {
      var tensors: [Tensor] = []
      for (position, type) in graph.inputTypes.enumerated() {
        let domain = position < sample.shapes.count ? operation.reference.domain : -3...3
        let tensor = Tensor.random(type, in: domain, indexing: indexBound(position), using: &random)
        tensors.append(position == operation.reference.factorizedOperand ? tensor.withDominantDiagonals : tensor)
      }
      return tensors
    }

    /// The size of the axis that an index operand counts along, as the reference states it; nil for whatever else the
    /// graph takes.
    private func indexBound(_ position: Int) -> Int? {
      guard position < sample.shapes.count, operation.reference.kind(of: position) == .index else { return nil }
      return operation.reference.indexBound(sample.shapes, sample.attributes)
    }

    /// Different for every case, the same in every run.
    var random: SeededGenerator { SeededGenerator(seed: testDescription.utf8.reduce(7) { $0 &* 31 &+ UInt64($1) }) }
  }

  static func cases(_ dtypes: [DType]) -> [Case] {
    OpCatalog.operations.flatMap { operation in
      operation.reference.samples.flatMap { sample in
        dtypes.filter(operation.reference.dtypes.admits).map { Case(operation: operation, sample: sample, dtype: $0) }
      }
    }
  }

  /// Those whose derivative is that of their value.
  static var differentiable: [Case] { cases([.float64]).filter { !$0.operation.reference.stopsGradients } }

  @Test func everyOperationHasASample() {
    for operation in OpCatalog.operations {
      #expect(!operation.reference.samples.isEmpty, "\(operation.reference.name)")
    }
  }

  @Test(arguments: cases(DType.allCases)) func executorEqualsInterpreter(_ test: Case) throws {
    var random = test.random
    let graph = try test.graph()
    let inputs = test.inputs(graph, &random)
    #expect(try Checks.values(graph, inputs) == nil)
    let cotangents = Tensor.random(graph.cotangentTypes, using: &random)
    #expect(try Checks.gradients(graph, inputs, cotangents) == nil)
  }

  @Test(arguments: differentiable) func gradientsEqualDifferenceQuotients(_ test: Case) throws {
    var random = test.random
    let graph = try test.graph()
    let inputs = test.inputs(graph, &random)
    let cotangents = Tensor.random(graph.cotangentTypes, using: &random)
    #expect(try FiniteDifferences(for: graph).check(graph, inputs, cotangents) == nil)
  }

  /// The graph of gradients is a graph like any other: its gradients, with respect to primals and cotangents alike,
  /// obey the same test.
  @Test(arguments: differentiable) func secondDerivativesEqualDifferenceQuotients(_ test: Case) throws {
    var random = test.random
    let graph = try vjp(test.graph())
    let inputs = test.inputs(graph, &random)
    let cotangents = Tensor.random(graph.cotangentTypes, using: &random)
    #expect(try Checks.gradients(graph, inputs, cotangents) == nil)
    #expect(try FiniteDifferences(for: graph).check(graph, inputs, cotangents) == nil)
  }

  /// On inputs that float32 holds exactly, float32 gives what float64 gives, rounded along the way.
  @Test(arguments: cases([.float32])) func float32FollowsFloat64(_ test: Case) throws {
    var random = test.random
    var wide = test
    wide.dtype = .float64
    let (graph, wideGraph) = (try vjp(test.graph()), try vjp(wide.graph()))
    let inputs = test.inputs(graph, &random)
    let wideInputs = zip(inputs, wideGraph.inputTypes).map { $0.converted(to: $1.dtype) }
    let expected = try Plan(wideGraph).run(wideInputs)
    let actual = try Plan(graph).run(inputs)
    let rounded = zip(expected, actual).map { $0.converted(to: $1.dtype) }
    #expect(Comparison.close(actual, rounded, tolerance: 1e-5) == nil)
  }

  /// A result without a cotangent is the same as one whose cotangent is zero.
  @Test(arguments: cases([.float64]).filter { $0.sample.resultCount > 1 }) func missingCotangentsAreZeros(_ test: Case)
    throws
  {
    var random = test.random
    let graph = try test.graph()
    let inputs = test.inputs(graph, &random)
    let full = try Plan(vjp(graph))
    let floating = graph.outputs.indices.filter { graph.outputTypes[$0].dtype.isFloating }
    for position in floating {
      let output = graph.outputs[position]
      let cotangent = Tensor.random(graph.outputTypes[position], using: &random)
      let builder = GraphBuilder(extending: graph)
      let targets = graph.columns.inputs.map(builder.value)
      let gradients = builder.gradients(
        of: [(builder.value(output), builder.constant(cotangent))], withRespectTo: targets)
      let alone = try Plan(builder.graph(outputs: zip(targets, gradients).map { $1 ?? builder.zeros($0.type) })).run(
        inputs)

      let explicit = floating.map { $0 == position ? cotangent : Tensor.zeros(graph.outputTypes[$0]) }
      let expected = try full.run(inputs + explicit).dropFirst(graph.outputs.count)
      #expect(Comparison.numbers(alone, Array(expected)) == nil, "result \(position)")
    }
  }

  /// Shapes that the samples do not show: scalars, empty tensors, all sizes 1. An operation may refuse them, in words,
  /// but not answer wrongly.
  @Test(arguments: cases(DType.allCases)) func unusualShapes(_ test: Case) throws {
    var random = test.random
    let variants: [(Shape) -> Shape] = [
      { _ in [] }, { Shape(repeating: 0, rank: $0.rank) }, { Shape(repeating: 1, rank: $0.rank) },
      { Shape(repeating: 1, rank: $0.rank + 1) },
      { Shape($0.array.enumerated().map { $0 == 0 ? 0 : $1 }) }, { Shape([0] + $0.array) }, { Shape($0.array + [1]) },
    ]
    for variant in variants {
      var unusual = test
      unusual.sample.shapes = test.sample.shapes.map(variant)
      let graph: Graph
      do throws(GraphError) {
        graph = try unusual.graph()
      } catch {
        #expect(error.code != .internal, "\(unusual.sample.shapes): \(error)")
        #expect(error.operation == test.operation.reference.name)
        continue
      }
      let inputs = unusual.inputs(graph, &random)
      let cotangents = Tensor.random(graph.cotangentTypes, using: &random)
      #expect(try Checks.gradients(graph, inputs, cotangents) == nil, "\(unusual.sample.shapes)")
      if test.dtype == .float64 && !test.operation.reference.stopsGradients {
        #expect(try FiniteDifferences(for: graph).check(graph, inputs, cotangents) == nil, "\(unusual.sample.shapes)")
      }
    }
  }

  /// Differentiating leads to primitives that no operation names; they must be swept too.
  @Test func everyPrimitiveIsReached() throws {
    var reached: Set<Opcode> = []
    for test in Self.cases([.float64, .bool]) { reached.formUnion(try vjp(vjp(test.graph())).opcodes) }
    // Powers of lengths and distances within one set take two operations: CornerTests differentiates them in every
    // mode.
    // What is kept is asked for.
    #expect(
      Set(Opcode.allCases).subtracting(reached) == [.custom, .lengthPower, .radialPower, .coincident, .kept])
  }

  /// Nothing that users were promised has gone.
  @Test func theCatalogHasWhatWasPromised() {
    let promised = """
      identity constant neg add sub mul div reshape transpose broadcast_to cast sum matmul split slice abs exp
      expm1 log log1p log2 log10 sqrt rsqrt square reciprocal sin cos tan asin acos atan sinh cosh tanh asinh
      acosh atanh erf erfc erfinv lgamma digamma polygamma sigmoid softplus log_sigmoid relu leaky_relu elu silu
      gelu sign floor ceil round trunc clip pow maximum minimum atan2 hypot logaddexp remainder xlogy equal
      not_equal less less_equal greater greater_equal logical_and logical_or logical_xor logical_not isnan isinf
      isfinite where mean prod max min var std logsumexp norm argmax argmin all any argsort cumsum cumprod
      softmax log_softmax sort stop_gradient expand_dims squeeze concat stack unstack pad flip roll tile repeat
      take take_along_axis tril triu diagonal trace outer einsum cholesky solve solve_triangular inv det slogdet
      grad eigh eigvalsh svd svdvals qr lstsq pinv matrix_rank expm matrix_power scatter scatter_add index_add
      segment_sum segment_max logcumsumexp cummax cummin top_k kthvalue median quantile searchsorted diag
      diag_embed kron tensordot cross cdist diff trapezoid unfold gammainc gammaincc betainc i0e i1e ndtr
      log_ndtr ndtri erfcx sinc zeta
      """
    let names = Set(OpCatalog.operations.map(\.reference.name))
    #expect(Set(promised.split { $0.isWhitespace }.map(String.init)).subtracting(names).isEmpty)
  }

  /// What the catalog documents is complete, and names are taken once.
  @Test func referencesAreComplete() {
    let names = OpCatalog.operations.map(\.reference.name)
    #expect(Set(names).count == names.count)
    for operation in OpCatalog.operations {
      let reference = operation.reference
      for text in [reference.name, reference.summary, reference.formula, reference.shapeRule, reference.derivative] {
        #expect(!text.isEmpty)
      }
      #expect(Set(reference.attributes.map(\.name)).count == reference.attributes.count)
      #expect(
        !reference.otherNames.contains { names.contains($0) },
        "\(reference.name) is also called by the name of another operation")
      for sample in reference.samples {
        let most = reference.hasManyOperands ? Int.max : reference.operands.count
        #expect(sample.shapes.count >= reference.minimumOperandCount && sample.shapes.count <= most)
      }
      for other in reference.otherNames {
        #expect(
          OpCatalog.suggestions(for: other).contains(reference.name), "\(other) does not lead to \(reference.name)")
      }
    }
  }
}
