import AutogradTestSupport
import Testing

@testable import AutogradCore

/// What each primitive says of how it takes many examples at once (`Primitive/batch`), held against a loop over them.
@Suite struct PrimitiveBatchTests {
  /// A node as it stands in the graph of an operation, or of its first or second derivatives.
  private struct Sample: Sendable {
    var opcode: Opcode
    var attributes: Attributes
    var custom: (any CustomOperation)?
    /// For each example the node's operands.
    var examples: [[Tensor]]
  }

  /// What makes a node another case than one of the same primitive: axes and shapes.
  private struct Signature: Hashable {
    var attributes: Attributes
    var shapes: [Shape]
  }

  private static let exampleCount = 3
  private static let mostOfAPrimitive = 16
  private static let samples = Result { try drawn() }

  /// A new primitive is met here, whatever it says of itself; one that no operation and no derivative makes needs none.
  @Test(arguments: Opcode.allCases.filter { $0 != .input && $0 != .constant })
  func batchEqualsExamples(_ opcode: Opcode) throws {
    let samples = try Self.samples.get()[opcode] ?? []
    #expect(!samples.isEmpty, "no operation and no derivative makes \(opcode)")
    for sample in samples { try Self.check(sample) }
  }

  /// Leaves alone have nothing that could have examples.
  @Test(arguments: Opcode.allCases) func onlyLeavesHaveNoBatch(_ opcode: Opcode) {
    let isLeaf = opcode == .input || opcode == .constant
    if case .none = opcode.primitive.batch { #expect(isLeaf) } else { #expect(!isLeaf) }
  }

  /// Whichever operands have examples, and whichever all examples share.
  private static func check(_ sample: Sample) throws {
    let builder = GraphBuilder()
    let inputs = sample.examples[0].map { builder.input("", $0.dtype, $0.shape) }
    let attributes = sample.custom.map { Attributes.index(builder.register($0)) } ?? sample.attributes
    let single = try builder.graph(outputs: builder.emit(sample.opcode, inputs, attributes))
    let plan = try Plan(single)
    for pattern in 1..<(1 << min(inputs.count, 3)) {
      let isBatched = inputs.indices.map { pattern >> min($0, 2) & 1 == 1 }
      let builder = GraphBuilder(extending: single)
      let stacks = inputs.indices.filter { isBatched[$0] }.map { index in
        let stack = Tensor.stacked(sample.examples.map { $0[index] })
        return (value: builder.value(single.columns.inputs[index]), batched: builder.constant(stack))
      }
      let outputs = builder.batched(single.outputs.map(builder.value), size: exampleCount, over: stacks)
      let batched = try builder.graph(outputs: outputs)
      try batched.validate()
      let results = try Plan(batched).run(sample.examples[0])
      for example in 0..<exampleCount {
        let operands = inputs.indices.map { sample.examples[isBatched[$0] ? example : 0][$0] }
        let difference = try Comparison.close(
          results.map { $0.part(example) }, plan.run(operands), tolerance: 1e-12)
        #expect(difference == nil, "\(sample.attributes) of \(operands.map(\.type)), examples in \(isBatched)")
      }
    }
  }

  // MARK: Samples

  private static func drawn() throws -> [Opcode: [Sample]] {
    var samples: [Opcode: [Sample]] = [:]
    var met: [Opcode: Set<Signature>] = [:]
    let floating = SweepTests.cases([.float64])
    let others = SweepTests.cases([.int64, .bool]).filter { !$0.operation.reference.dtypes.admits(.float64) }
    for test in floating + others {
      let graph = try test.graph()
      var graphs = [graph]
      if test.dtype == .float64, !test.operation.reference.stopsGradients {
        for _ in 0..<2 { graphs.append(try vjp(graphs[graphs.count - 1])) }
      }
      for graph in graphs {
        var random = test.random
        let inputs = (0..<exampleCount).map { _ in test.inputs(graph, &random) }
        try draw(graph, inputs, &samples, &met)
      }
    }
    for formula in formulas {
      let builder = GraphBuilder()
      let graph = try vjp(builder.graph(outputs: [formula(builder.input("x", .float64, [2, 3]))]))
      var random = SeededGenerator(seed: 1)
      let inputs = (0..<exampleCount).map { _ in Tensor.random(graph.inputTypes, using: &random) }
      try draw(graph, inputs, &samples, &met)
    }
    return samples
  }

  /// What no operation makes of operands of its own.
  private static let formulas: [@Sendable (Value) -> Value] = [
    { Square()($0) }, { $0.builder.kept($0 * $0) }, { $0.applying("cdist", $0) },
    { $0.applying("norm", attributes: ["axis": .integer(1)]).applying("pow", $0.builder.constant(Scalar(3.0))) },
  ]

  private struct Square: CustomOperation {
    let name = "square_of_ones_own"
    func forward(_ x: [Tensor]) -> [Tensor] { [Tensor(x[0].doubles.map { $0 * $0 }, shape: x[0].shape)] }
    func backward(_ x: [Value], _ y: [Value], _ ct: [Value?]) -> [Value?] { [ct[0].map { $0 * 2 * x[0] }] }
  }

  /// Those nodes of a graph of which there are no like ones yet, with what stands at their operands.
  private static func draw(
    _ graph: Graph, _ inputs: [[Tensor]], _ samples: inout [Opcode: [Sample]], _ met: inout [Opcode: Set<Signature>]
  ) throws {
    let columns = graph.columns
    let live = graph.reachableNodes
    for node in 0..<NodeID(columns.nodeCount) where live[Int(node)] {
      let opcode = columns.opcodes[Int(node)]
      let operands = columns.operandRange(node).map { columns.operands[$0] }
      let types = (operands + columns.resultRange(node).map { ValueID($0) }).map(columns.type(of:))
      let signature = Signature(attributes: columns.attributes(of: node), shapes: types.map(\.shape))
      guard !operands.isEmpty, types.allSatisfy({ $0.shape.rank < Shape.maximumRank }),
        samples[opcode, default: []].count < mostOfAPrimitive, met[opcode, default: []].insert(signature).inserted
      else { continue }
      let plan = try Plan(Graph(columns: columns, outputs: operands))
      var custom: (any CustomOperation)?
      if opcode == .custom, case .index(let index) = signature.attributes { custom = columns.customOperations[index] }
      let sample = Sample(
        opcode: opcode, attributes: signature.attributes, custom: custom, examples: try inputs.map(plan.run))
      samples[opcode, default: []].append(sample)
    }
  }
}

extension Tensor {
  /// Tensors of one type behind each other.
  static func stacked(_ tensors: [Tensor]) -> Tensor {
    let type = TensorType(tensors[0].dtype, Shape([tensors.count]).appending(tensors[0].shape))
    return Tensor(type) { base in
      for (index, tensor) in tensors.enumerated() {
        (base + index * tensor.type.byteCount).copyMemory(from: tensor.storage.base, byteCount: tensor.type.byteCount)
      }
    }
  }

  /// One position of the leading axis.
  func part(_ index: Int) -> Tensor {
    let type = TensorType(dtype, Shape(shape.array.dropFirst()))
    return Tensor(type) { $0.copyMemory(from: storage.base + index * type.byteCount, byteCount: type.byteCount) }
  }
}
