import AutogradCore
import AutogradFormats

/// The source of a version, read: a graph, and what was put with it.
package struct StoredReading {
  package var source: GraphSource
  package var text: any SourceText
  /// Tensors for inputs that requests may leave out, beside those in the graph itself.
  package var defaults: [(name: SourceName, tensor: Tensor)] = []
  var description: String?
  /// Where the graph stands in the source: "" or "/graph". Its own errors begin with "/graph".
  var graphPointer: String
  /// What the names point into.
  var owners: [AnyObject] = []
  /// The declared inputs by name, once it has been asked for.
  private var declared: NameTable?

  /// The longest description, in bytes.
  private static let longestDescription = 4096

  /// - Throws: what is wrong, at pointers into the source.
  init(
    _ bytes: StoredBytes, as type: GraphMediaType, _ limits: StoredGraph.Limits, defaultDType: DType
  ) throws(FormatError) {
    switch type {
    case .formula:
      (source, text) = try StoredReading.atGraph("") { () throws(FormatError) in
        try FormulaReader.read(bytes.bytes, limits: limits.graphs, defaultDType: defaultDType)
      }
      graphPointer = ""
    case .json: self = try StoredReading.json(bytes, limits, defaultDType)
    case .safetensors: self = try StoredReading.safetensors(bytes, limits, defaultDType)
    }
    owners.append(bytes.owner)
  }

  private init(
    _ graph: (source: GraphSource, text: any SourceText), at pointer: String, owners: [AnyObject]
  ) {
    (source, text) = graph
    graphPointer = pointer
    self.owners = owners
  }

  /// Memory that reading a source takes, about. What is mapped takes none: of a safetensors file the header counts.
  /// - Parameter nodes: the most that a graph may have.
  static func memory(ofReading bytes: UnsafeRawBufferPointer, as type: GraphMediaType, nodes: Int) -> Int {
    var text = bytes.count
    if type == .safetensors, bytes.count >= 8 {
      text = Int(clamping: min(UInt64(bytes.count), UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))))
    }
    // A node of a formula may have two bytes, `+x`; in JSON it has more than it takes.
    let dense = type == .json ? 0 : min(text / 2, nodes) * bytesPerNode
    return least + text * bytesPerByte + dense
  }

  /// The values of JSON are larger than their text.
  private static let bytesPerByte = 12
  /// Measured: a node with its operands, their places in the text, and the names of its results.
  private static let bytesPerNode = 320
  private static let least = 4096

  // MARK: JSON

  private static func json(
    _ bytes: StoredBytes, _ limits: StoredGraph.Limits, _ defaultDType: DType
  ) throws(FormatError) -> StoredReading {
    let document = try document(bytes.bytes, limits)
    defer { withExtendedLifetime(document) {} }
    let root = document.root
    guard root.kind == .object, let graph = root["graph"] else {
      return try graphText(root, document, at: "", limits, defaultDType)
    }
    for (key, _) in root.members where !["graph", "description", "defaults"].contains(key.string) {
      throw FormatError.unknownMember(
        key.string, of: "what is stored", ["graph", "description", "defaults"], at: "")
    }
    var reading = try graphText(graph, document, at: "/graph", limits, defaultDType)
    reading.description = try root["description"]?.given.map { value throws(FormatError) in try description(value) }
    if let defaults = root["defaults"]?.given {
      guard defaults.kind == .object else {
        throw FormatError(
          .wrongType, "defaults is an object of tensors by name, got \(defaults.describe)", at: "/defaults")
      }
      try limits.graphs.checkNames(defaults.count, "there are", "defaults", at: "/defaults")
      for (name, value) in defaults.members {
        try reading.add(SourceName(name), at: "/defaults") { expected throws(FormatError) in
          try TensorDecoder(document: document).decode(value, expected ?? .fallback(defaultDType))
        }
      }
    }
    return reading
  }

  private static func document(
    _ bytes: UnsafeRawBufferPointer, _ limits: StoredGraph.Limits
  ) throws(FormatError) -> JSONDocument {
    do throws(JSONSyntaxError) {
      return try JSONDocument(parsing: bytes, maximumDepth: limits.jsonDepth, maximumBytes: limits.documentBytes)
    } catch {
      throw FormatError(error)
    }
  }

  /// A graph as JSON, or as a formula in a string.
  private static func graphText(
    _ graph: JSONValue, _ document: JSONDocument, at pointer: String, _ limits: StoredGraph.Limits,
    _ defaultDType: DType
  ) throws(FormatError) -> StoredReading {
    let read = try atGraph(pointer) { () throws(FormatError) in
      graph.kind == .string
        ? try FormulaReader.read(graph.stringBytes, limits: limits.graphs, defaultDType: defaultDType)
        : try JSONGraphReader.read(graph, of: document, limits: limits.graphs, defaultDType: defaultDType)
    }
    return StoredReading(read, at: pointer, owners: [document])
  }

  /// Reads a graph that stands at a pointer. What is wrong with it is found at `/graph`, as in a request.
  private static func atGraph<Result>(
    _ pointer: String, _ read: () throws(FormatError) -> Result
  ) throws(FormatError) -> Result {
    do throws(FormatError) {
      return try read()
    } catch {
      throw error.moved(from: "/graph", to: pointer)
    }
  }

  private static func description(_ value: JSONValue) throws(FormatError) -> String {
    guard value.kind == .string else {
      throw FormatError(.wrongType, "description is a text, got \(value.describe)", at: "/description")
    }
    guard value.stringBytes.count <= longestDescription else {
      throw FormatError(
        .wrongType, "description has \(value.stringBytes.count) bytes, at most \(longestDescription) are kept",
        at: "/description")
    }
    return value.string
  }

  // MARK: safetensors

  private static func safetensors(
    _ bytes: StoredBytes, _ limits: StoredGraph.Limits, _ defaultDType: DType
  ) throws(FormatError) -> StoredReading {
    let file = try SafetensorsFile(
      bytes.bytes, maximumDepth: limits.jsonDepth, maximumBytes: limits.documentBytes,
      maximumTensors: limits.graphs.nodes)
    for (key, value) in file.metadata?.members.map({ ($0.key, $0.value) }) ?? [] {
      guard ["graph", "description", "format"].contains(key.string) else {
        throw FormatError.unknownMember(key.string, of: "__metadata__", ["graph", "description"], at: "/__metadata__")
      }
      guard value.kind == .string else {
        throw FormatError(
          .wrongType, "the members of __metadata__ are strings, got \(value.describe) for \(key.string)",
          at: "/__metadata__" + Pointer.member(key.string))
      }
    }
    guard let graph = file.metadata?["graph"] else {
      throw FormatError(.missingMember, "the file needs a graph: put it into the member graph of __metadata__", at: "")
    }
    let pointer = "/__metadata__/graph"
    var reading: StoredReading
    if GraphMediaType.isFormula(graph.stringBytes) {
      let read = try atGraph(pointer) { () throws(FormatError) in
        try FormulaReader.read(graph.stringBytes, limits: limits.graphs, defaultDType: defaultDType)
      }
      reading = StoredReading(read, at: pointer, owners: [])
    } else {
      do throws(FormatError) {
        let document = try document(graph.stringBytes, limits)
        reading = try graphText(document.root, document, at: "", limits, defaultDType)
      } catch {
        throw error.under(pointer)
      }
      reading.graphPointer = pointer
    }
    reading.owners.append(file.owner)
    reading.description = try file.metadata?["description"].map { value throws(FormatError) in
      try description(value)
    }
    for entry in file.entries {
      try reading.add(SourceName(entry.name), at: "") { expected throws(FormatError) in
        try file.tensor(entry, expected, borrowedFrom: bytes.owner)
      }
    }
    return reading
  }

  // MARK: Defaults

  /// Adds a default. What the graph declares of the input holds for it.
  private mutating func add(
    _ name: SourceName, at pointer: String, _ read: (TensorDecoder.Expected?) throws(FormatError) -> Tensor
  ) throws(FormatError) {
    do throws(FormatError) {
      guard let inputs = source.declaredInputs else {
        defaults.append((name, try read(nil)))
        return
      }
      let known = declared ?? NameTable(inputs.map(\.name))
      declared = known
      guard let position = known[name] else {
        throw FormatError(
          .inputMismatch, "the graph declares no input \(name.brief)\(known.hint(for: name.string))", at: "")
      }
      var declaration = inputs[inputs.startIndex + position]
      guard declaration.fallback == nil else {
        throw FormatError(.duplicateName, "the graph itself has a default for \(name.brief)", at: "")
      }
      declaration.fallback = try read(
        declaration.dtype.map { .required($0, "the declared input \(declaration.name.string)") })
      if let refusal = declaration.refusalOfFallback { throw FormatError(.shapeMismatch, refusal, at: "") }
      source.inputs[inputs.startIndex + position] = declaration
    } catch {
      throw error.under(pointer + Pointer.member(name.string))
    }
  }
}

extension SafetensorsFile {
  /// A tensor where it lies, if it is aligned there; else a copy.
  fileprivate func tensor(
    _ entry: Entry, _ expected: TensorDecoder.Expected?, borrowedFrom owner: AnyObject
  ) throws(FormatError) -> Tensor {
    let type = TensorType(entry.dtype, try TensorDecoder.readShape(entry.shape))
    if case .required(let dtype, let who)? = expected, dtype != type.dtype {
      throw FormatError(.dtypeMismatch, "\(who) is \(dtype), the tensor says \(type.dtype)", at: "")
    }
    let bytes = UnsafeRawBufferPointer(rebasing: data[entry.begin..<entry.end])
    if type.dtype == .bool, bytes.contains(where: { $0 > 1 }) {
      throw FormatError(.numberOutOfRange, "the bytes of a bool tensor are 0 and 1", at: "")
    }
    if UInt(bitPattern: bytes.baseAddress) % UInt(type.dtype.byteWidth) == 0 {
      return Tensor(type, storage: Storage(borrowing: bytes, of: owner))
    }
    return Tensor(type) { base in
      if let start = bytes.baseAddress { base.copyMemory(from: start, byteCount: bytes.count) }
    }
  }
}

extension FormatError {
  /// The same with another beginning of the pointer.
  package func moved(from prefix: String, to other: String) -> FormatError {
    guard let pointer, pointer == prefix || pointer.hasPrefix(prefix + "/") else { return self }
    return at(other + pointer.dropFirst(prefix.count))
  }
}

extension GraphMediaType {
  /// How to read bytes of which nobody says what they are.
  package init(of bytes: UnsafeRawBufferPointer) {
    if bytes.count > 8, bytes[8] == UInt8(ascii: "{"),
      UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self)) <= UInt64(bytes.count - 8)
    {
      self = .safetensors
    } else {
      self = GraphMediaType.isFormula(bytes) ? .formula : .json
    }
  }

  /// Text that begins neither like a JSON object nor like a JSON string is a formula.
  package static func isFormula(_ bytes: UnsafeRawBufferPointer) -> Bool {
    let first = bytes.first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }
    return first != UInt8(ascii: "{") && first != UInt8(ascii: "\"")
  }
}
