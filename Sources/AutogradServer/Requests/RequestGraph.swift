import AutogradCore
import AutogradFormats
import AutogradGraphs

/// The graph of a request, built with the given inputs.
final class RequestGraph {
  let document: JSONDocument
  /// The data of a safetensors file, for tensors outside the graph.
  let file: UnsafeRawBufferPointer?
  /// Whether inputs may have types only, because nothing will be computed.
  let allowsTypes: Bool
  let batch: ExampleBatch?
  let inputs: [Input]
  let outputs: [NamedValue]
  /// Whether the graph names its outputs.
  let namesOutputs: Bool
  /// The data of the constants, including those of functions. They are inputs of the plan, so one plan serves all their
  /// values.
  let constantTensors: [Tensor]
  /// Whether the constants belong to the graph's text instead: then the plan holds their data.
  let hasFixedConstants: Bool
  /// The graph, where it is a registered one, and whether it is used as it was read: then the plan reads its tensors
  /// where they are.
  let stored: StoredGraph?
  let isUsedAsStored: Bool
  /// What the names point into, where the stored graph was read again.
  private let reading: StoredReading?
  private let assembler: GraphAssembler

  var builder: GraphBuilder { assembler.builder }

  /// A named input and its data.
  struct Input {
    var name: SourceName
    var value: Value
    /// Nil if the request gives only the type.
    var tensor: Tensor?
    /// Its index among the inputs in the request, whose order may differ from the declaration; nil if the request
    /// leaves it out and the tensor is the declared default.
    var place: Int?
  }

  /// - Parameters:
  ///   - graph: the member `graph` of the body; nil for a body whose path names the graph.
  ///   - given: its member `inputs`.
  ///   - defaultDType: the request's dtype, for numbers without one.
  init(
    _ graph: JSONValue?, inputs given: JSONValue?, of body: ParsedBody, limits: Limits, defaultDType: DType,
    allowsTypes: Bool, batch: ExampleBatch?
  ) throws(FormatError) {
    document = body.document
    file = body.file
    self.allowsTypes = allowsTypes
    self.batch = batch
    var graphLimits = limits.graphs
    // The report of /v1/inspect says whether the limits would be met.
    if allowsTypes { graphLimits.elements = Shape.maximumElementCount }
    stored = body.stored
    isUsedAsStored = defaultDType == .float64
    let source: GraphSource
    let text: any SourceText
    var defaults: [(name: SourceName, tensor: Tensor)] = []
    if let stored {
      reading = isUsedAsStored ? nil : try stored.read(defaultDType: defaultDType)
      source = reading?.source ?? stored.source
      text = reading?.text ?? stored.text
      defaults = reading?.defaults ?? stored.defaults
    } else if let graph {
      reading = nil
      (source, text) =
        graph.kind == .string
        ? try FormulaReader.read(graph.stringBytes, limits: graphLimits, defaultDType: defaultDType)
        : try JSONGraphReader.read(graph, of: body.document, limits: graphLimits, defaultDType: defaultDType)
    } else {
      let hint = body.file == nil ? "" : ": put it, as JSON, into the member graph of the file's __metadata__"
      throw FormatError(.missingMember, "the request needs a graph\(hint)", at: "")
    }
    let builder = graphLimits.builder()
    builder.maximumNodes = limits.derivedNodes(ofText: body.textByteCount + (stored?.textByteCount ?? 0))
    builder.interruption = body.interruption
    if let memory = body.memory {
      builder.reserveNodes = { memory.reserveMore($0 * Limits.planningBytesPerNode) }
    }
    inputs = try InputDecoder(
      document: body.document, file: body.file, builder: builder, defaultDType: defaultDType, allowsTypes: allowsTypes,
      batch: batch, stored: stored
    )
    .decode(source, text, defaults: defaults, given: given)
    try batch?.check(inputs)
    assembler = GraphAssembler(source, text, into: builder, limits: graphLimits, defaultDType: defaultDType)
    outputs = try assembler.assemble(inputs: inputs.map { NamedValue(name: $0.name, value: $0.value) })
    namesOutputs = source.namesOutputs
    constantTensors = source.constants.map(\.tensor)
    hasFixedConstants = source.hasFixedConstants
  }

  /// The position of an input; nil for anything else.
  func input(named name: SourceName) -> Int? { assembler.input(named: name) }

  /// A list of names of values, each once.
  func namedValues(_ list: JSONValue, at pointer: String, orEmpty: Bool = false) throws(FormatError) -> [NamedValue] {
    do throws(FormatError) {
      var values: [NamedValue] = []
      for (index, name) in try JSONNameList.read(list, orEmpty: orEmpty).enumerated() {
        do throws(FormatError) {
          values.append(NamedValue(name: name, value: try assembler.value(named: name)))
        } catch {
          throw error.under(list.place(of: index))
        }
      }
      return values
    } catch {
      throw error.under(pointer)
    }
  }

  /// Every value of the graph with its name: inputs, constants, results.
  var namedValues: [NamedValue] { assembler.namedValues }

  /// The floating results of all nodes, in node order.
  var floatingResults: [(node: Int, name: SourceName, value: Value)] {
    assembler.namedResults.filter { $0.named.value.dtype.isFloating }.map { ($0.node, $0.named.name, $0.named.value) }
  }

  /// Inputs that are neither operands of a node nor outputs.
  func unusedInputs(outputs: [NamedValue]) -> [Input] {
    assembler.unusedInputs(outputs: outputs.map(\.value)).map { inputs[$0] }
  }

  /// See ``GraphAssembler/zeroGradients(_:)``.
  func zeroGradients(_ most: Int) -> [FormatError] { assembler.zeroGradients(most) }

  /// Where a node stands: the pointer, and in a formula line and column.
  func place(ofNode node: Int) -> FormatError { assembler.place(ofNode: node) }

  // MARK: What was written

  /// The graph as a formula.
  func formula() throws(FormatError) -> ByteBuffer { try assembler.formula() }

  /// The graph as JSON.
  func writeJSON(to json: ByteBuffer) throws(FormatError) { try assembler.writeJSON(to: json) }

  /// See ``GraphAssembler/gradientFormula(of:withRespectTo:)``.
  func gradientFormula(of outputs: [NamedValue], withRespectTo targets: [NamedValue]) -> ByteBuffer? {
    assembler.gradientFormula(of: outputs, withRespectTo: targets)
  }

  /// An error of the core, with the request's names.
  func problem(_ error: GraphError) -> FormatError { assembler.problem(error) }
}
