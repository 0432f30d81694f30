import AutogradCore
import AutogradFormats

/// A version of a registered graph, read and checked, as requests use it.
///
/// `@unchecked Sendable`: nothing changes once `init` has returned.
package final class StoredGraph: @unchecked Sendable {
  package let version: StoredVersion
  package let source: GraphSource
  package let text: any SourceText
  /// The number of the version, as answers have it.
  package let versionText: String
  /// Tensors for inputs that the graph does not declare.
  package let defaults: [(name: SourceName, tensor: Tensor)]
  package let inputs: [Input]
  package let outputs: [String]
  package let description: String?
  /// For logs and the header X-Graph-Digest: 16 hexadecimal digits.
  package let digest: String
  /// The defaults of the inputs that have one, in their order, then the constants. Plans read them where they are.
  package let tensors: [Tensor]
  /// The names of those that are defaults.
  private let defaultNames: NameTable
  /// What has been computed from these tensors alone, by what was computed.
  private let derived = Guarded<[SHA256Digest: [Tensor]]>([:])
  private let bytes: StoredBytes
  /// What the names point into.
  private let owners: [AnyObject]
  /// Where the graph stands in the source.
  private let graphPointer: String
  private let limits: Limits

  /// What reading a source may take.
  package struct Limits: Sendable {
    package var graphs: GraphLimits
    package var jsonDepth: Int
    package var documentBytes: Int

    package init(graphs: GraphLimits, jsonDepth: Int, documentBytes: Int) {
      self.graphs = graphs
      self.jsonDepth = jsonDepth
      self.documentBytes = documentBytes
    }
  }

  /// An input as the graph declares it.
  package struct Input {
    package var name: SourceName
    package var dtype: DType?
    package var shape: [InputDeclaration.Dimension]?
    package var hasDefault: Bool
  }

  /// Reads a version, and checks all that can be checked without a request.
  /// - Parameter prepare: prepares the builder in which the graph is assembled, if all types are declared; nil leaves
  ///   that check out, for a version that has passed it before.
  /// - Throws: what is wrong, at pointers into the source.
  package convenience init(
    _ version: StoredVersion, _ bytes: StoredBytes, _ limits: Limits, assemblesIn prepare: ((GraphBuilder) -> Void)?
  ) throws(FormatError) {
    let reading = try StoredReading(bytes, as: version.type, limits, defaultDType: .float64)
    try self.init(version, bytes, limits, reading, prepare)
  }

  private init(
    _ version: StoredVersion, _ bytes: StoredBytes, _ limits: Limits, _ reading: StoredReading,
    _ prepare: ((GraphBuilder) -> Void)?
  ) throws(FormatError) {
    source = reading.source
    text = reading.text
    defaults = reading.defaults
    description = reading.description
    digest = String(version.digest.hex.prefix(16))
    graphPointer = reading.graphPointer
    owners = reading.owners
    self.bytes = bytes
    self.limits = limits
    var version = version
    version.description = reading.description
    self.version = version
    versionText = "\(version.version)"
    do throws(FormatError) {
      let check = StoredGraphCheck(reading, limits.graphs)
      (inputs, outputs) = try check.run()
      defaultNames = NameTable(inputs.filter(\.hasDefault).map(\.name))
      tensors = check.fallbacks.compactMap { $0 } + reading.source.constants.map(\.tensor)
      if let prepare { try check.assemble(prepare) }
    } catch {
      throw error.moved(from: "/graph", to: reading.graphPointer)
    }
  }

  /// The same graph read for requests whose numbers have another dtype where nothing says which.
  package func read(defaultDType: DType) throws(FormatError) -> StoredReading {
    try StoredReading(bytes, as: version.type, limits, defaultDType: defaultDType)
  }

  /// Which of ``tensors`` is the default of an input.
  package func tensor(ofDefault name: SourceName) -> Int? { defaultNames[name] }

  /// Which of ``tensors`` the first constant is.
  package var firstConstant: Int { tensors.count - source.constants.count }

  /// Tensors that depend on those of the graph alone, if they have been computed.
  package func derived(_ key: SHA256Digest) -> [Tensor]? { derived.withLock { $0[key] } }

  /// Keeps such tensors, as long as all of them together take no more memory than the graph itself, or than a little.
  /// - Returns: whether they are kept.
  package func keep(_ tensors: [Tensor], derivedAs key: SHA256Digest) -> Bool {
    // Also what is empty takes some.
    let size = { (tensors: [Tensor]) in tensors.reduce(256) { $0 + $1.type.byteCount + 256 } }
    return derived.withLock { derived in
      if derived[key] != nil { return true }
      let all = derived.values.reduce(size(tensors)) { $0 + size($1) }
      guard all <= max(version.byteCount, StoredGraph.mostDerived) else { return false }
      derived[key] = tensors
      return true
    }
  }

  private static let mostDerived = 64 << 10

  /// How an answer or an error calls it: `fit@3`.
  package var reference: String { "\(version.name)@\(version.version)" }

  /// An error in the graph, `/graph/nodes/0/op`, as a pointer into the source; nil for an error elsewhere.
  package func pointer(ofGraphError pointer: String) -> String? {
    guard pointer == "/graph" || pointer.hasPrefix("/graph/") else { return nil }
    return graphPointer + pointer.dropFirst("/graph".count)
  }

  /// What a storage keeps of it.
  var content: StoredContent { StoredContent(type: version.type, description: description, bytes: bytes.bytes) }

  /// Memory that it takes beside its weights, and what may come to be computed from them, about.
  var memoryByteCount: Int {
    StoredReading.memory(ofReading: bytes.bytes, as: version.type, nodes: source.nodes.count)
      + (tensors.isEmpty ? 0 : StoredGraph.mostDerived)
  }

  /// Memory that its forms as text may take: base64 in a formula that stands in JSON, and in JSON.
  package var formsByteCount: Int {
    StoredReading.memory(ofReading: bytes.bytes, as: version.type, nodes: source.nodes.count) + tensors.reduce(0) {
      $0 + $1.type.byteCount
    } * 6
  }

  /// About how long its text is, without its weights.
  package var textByteCount: Int { min(version.byteCount, (source.nodes.count + source.operands.count) * 32) }

  /// The graph as a canonical formula.
  package func formula() throws(FormatError) -> ByteBuffer { try FormulaPrinter.print(source, text) }

  /// The graph as JSON.
  package func writeJSON(to json: ByteBuffer) throws(FormatError) { try JSONGraphWriter.write(source, text, to: json) }
}

/// What can be found out about a graph without a request.
private struct StoredGraphCheck {
  private let reading: StoredReading
  private let limits: GraphLimits
  /// The inputs in their order: what is declared, or what nodes take and nobody defines.
  private let names: [SourceName]
  let fallbacks: [Tensor?]

  init(_ reading: StoredReading, _ limits: GraphLimits) {
    self.reading = reading
    self.limits = limits
    if let declared = reading.source.declaredInputs {
      names = declared.map(\.name)
      fallbacks = declared.map(\.fallback)
    } else {
      let order = NameTable(reading.source.order)
      names = ResolvedSource.freeNames(of: reading.source).sorted {
        order[$0] ?? .max < order[$1] ?? .max
      }
      let given = NameTable(reading.defaults.map(\.name))
      fallbacks = names.map { name in given[name].map { reading.defaults[$0].tensor } }
    }
  }

  /// Names, operations, numbers of operands, attributes.
  func run() throws(FormatError) -> (inputs: [StoredGraph.Input], outputs: [String]) {
    let source = reading.source
    try source.checkAttributes(reading.text)
    let assembler = GraphAssembler(source, reading.text, into: limits.builder(), limits: limits)
    try assembler.checkUses(inputs: names)
    try assembler.checkLiterals()
    let known = NameTable(names)
    for (name, _) in reading.defaults where known[name] == nil {
      throw FormatError(
        .inputMismatch, "the graph has no input \(name.brief)\(known.hint(for: name.string))",
        at: (reading.graphPointer == "/graph" ? "/defaults" : "") + Pointer.member(name.string))
    }
    let inputs = names.enumerated().map { index, name in
      let declaration = source.declaredInputs.map { $0[$0.startIndex + index] }
      return StoredGraph.Input(
        name: name, dtype: declaration?.dtype, shape: declaration?.shape, hasDefault: fallbacks[index] != nil)
    }
    return (inputs, assembler.outputNames)
  }

  /// Shapes and dtypes, if those of all inputs are known.
  func assemble(_ prepare: (GraphBuilder) -> Void) throws(FormatError) {
    var inputs: [NamedValue] = []
    let builder = limits.builder()
    prepare(builder)
    for (index, name) in names.enumerated() {
      let declaration = reading.source.declaredInputs.map { $0[$0.startIndex + index] }
      guard let type = fallbacks[index]?.type ?? declaration?.type else { return }
      inputs.append(NamedValue(name: name, value: builder.input("", type.dtype, type.shape)))
    }
    _ = try GraphAssembler(reading.source, reading.text, into: builder, limits: limits).assemble(inputs: inputs)
  }
}

extension InputDeclaration {
  /// The type, if the dtype and all sizes are declared.
  fileprivate var type: TensorType? {
    let sizes = shape?.reduce([Int]?.some([])) { sizes, dimension in
      if case .size(let size) = dimension { sizes.map { $0 + [size] } } else { nil }
    }
    guard let dtype, let sizes = sizes ?? nil, let shape = try? Shape(checking: sizes) else { return nil }
    return TensorType(dtype, shape)
  }
}

extension GraphAssembler {
  /// The names of the graph's outputs. Values without a name are none unless they are listed.
  fileprivate var outputNames: [String] {
    let scope = scopes[0]
    let names = scope.outputs.map { scope.names.name($0) }
    return names.filter { source.namesOutputs || !$0.isNameless }.map(\.string)
  }
}
