import AutogradCore
import AutogradFormats
import AutogradGraphs

/// The part of a request that determines its plan and everything in its answer except numbers. It is every byte except
/// the data of tensors; of these it contains only the shape of the lists, and whether they hold numbers or bools.
///
/// Two requests with the same key are built, differentiated, planned and checked alike, as long as their data can be
/// read. So a request whose key is found needs no checks: plans are stored only for requests that passed them all.
///
/// A request whose path names a graph has that graph's version in place of its text and constants.
///
/// Different requests have different keys: each text is preceded by its length, each list by its count. The order of
/// tensors is `inputs`, constants, constants of functions, `cotangents`, then `tangents` or `vectors`. The plan's
/// inputs have the same order, except for inputs that the graph declares in another order. A formula is text to the
/// last byte: its constants, and all defaults of inputs, have their data in the plan.
///
/// `@unchecked Sendable`: it does not change after it has been written.
final class PlanKey: @unchecked Sendable {
  /// The request's tensors.
  private(set) var tensors: [TensorSource] = []
  private let text = ByteBuffer(capacity: 1024)
  /// The data of a safetensors file, for tensors outside the graph.
  private let file: UnsafeRawBufferPointer?
  private let limits: Limits

  var bytes: UnsafeRawBufferPointer { text.bytes }

  /// Memory that it takes.
  var byteCount: Int { text.capacity + tensors.count * MemoryLayout<TensorSource>.stride }

  /// Longer keys, which copy most of the body, are not made: few plans of such requests would fit into the cache.
  private static let longest = 16 << 20
  private var isTooLong = false

  /// Nil if the request is certainly invalid, or its plan is not to be cached.
  init?(_ endpoint: Endpoint, _ body: ParsedBody, _ limits: Limits) {
    file = body.file
    self.limits = limits
    // Requests with `diagnose` are answered without the cache.
    if body.document.root["diagnose"]?.kind == .true { return nil }
    guard write(endpoint, body.document.root, body.answersSafetensors, body.stored), !isTooLong else { return nil }
  }

  private func write(
    _ endpoint: Endpoint, _ root: JSONValue, _ answersSafetensors: Bool, _ stored: StoredGraph?
  ) -> Bool {
    guard root.kind == .object else { return false }
    var graph: JSONValue?
    var inputs: JSONValue?
    var cotangents: JSONValue?
    var directions: JSONValue?
    text.append(
      endpoint.number | (file == nil ? 0 : Mark.fromFile) | (answersSafetensors ? Mark.toFile : 0)
        | (stored == nil ? 0 : Mark.byName))
    if let stored { append(stored) }
    append(root.count)
    for (name, value) in root.members {
      if name == "graph" {
        graph = value
      } else if name == "inputs" {
        inputs = value
      } else if name == "cotangents" {
        cotangents = value
      } else if name == "tangents" || name == "vectors" {
        directions = value
        append(name.bytes)
      } else {
        append(name.bytes)
        append(value.text)
      }
    }
    if stored != nil {
      guard graph == nil else { return false }
      return append(inputs, file) && append(cotangents, file) && append(directions, file)
    }
    guard let graph, graph.kind == .object || graph.kind == .string else { return false }
    var constants: JSONValue?
    var functions: JSONValue?
    for (name, value) in graph.members {
      if name == "constants" {
        constants = value
      } else if name == "functions" {
        functions = value
      }
    }
    let inner = PlanKey.constants(of: functions)
    let tensorCount =
      (inputs?.count ?? 0) + (constants?.count ?? 0) + (cotangents?.count ?? 0) + (directions?.count ?? 0)
    guard inner.reduce(tensorCount, { $0 + $1.count }) <= limits.nodes else { return false }
    append(graph, without: inner + (constants.map { [$0] } ?? []))
    guard append(inputs, file), append(constants, nil) else { return false }
    for constants in inner where !append(constants, nil) { return false }
    return append(cotangents, file) && append(directions, file)
  }

  /// A version of a registered graph. Its number is not enough: a file that is kept by hand changes and stays
  /// version 1.
  private func append(_ stored: StoredGraph) {
    var reference = stored.reference
    reference.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    stored.version.digest.withUnsafeBytes { append($0) }
  }

  /// The `constants` objects of a graph's functions.
  private static func constants(of functions: JSONValue?) -> [JSONValue] {
    guard let functions else { return [] }
    return functions.members.compactMap { $0.value["constants"] }
  }

  /// The text of the graph around its constants and those of its functions, which may come in any order.
  private func append(_ graph: JSONValue, without constants: [JSONValue]) {
    let holes = constants.map(\.text)
    append(holes.count + 1)
    var rest = graph.text
    for hole in holes.sorted(by: { UInt(bitPattern: $0.baseAddress) < UInt(bitPattern: $1.baseAddress) }) {
      guard let start = rest.baseAddress, let holeStart = hole.baseAddress else { continue }
      append(UnsafeRawBufferPointer(rebasing: rest[..<(holeStart - start)]))
      rest = UnsafeRawBufferPointer(rebasing: rest[(holeStart - start + hole.count)...])
    }
    append(rest)
  }

  /// Tensors by name.
  private func append(_ object: JSONValue?, _ file: UnsafeRawBufferPointer?) -> Bool {
    guard let object = object?.given else {
      text.append(0)
      return true
    }
    guard object.kind == .object else { return false }
    text.append(1)
    append(object.count)
    for (name, value) in object.members {
      append(name.bytes)
      guard value.kind == .object ? append(members: value, file) : append(data: value) else { return false }
    }
    return true
  }

  /// `{"dtype", "shape", "encoding", "data"}`
  private func append(members tensor: JSONValue, _ file: UnsafeRawBufferPointer?) -> Bool {
    var data: JSONValue?
    var isEncoded = false
    append(tensor.count)
    for (name, value) in tensor.members {
      append(name.bytes)
      if name == "data" {
        data = value
      } else {
        if name == "encoding" { isEncoded = true }
        append(value.text)
      }
    }
    guard let data else { return false }
    if let file {
      guard let bytes = data.slice(of: file) else { return false }
      tensors.append(.bytes(bytes))
      return true
    }
    guard isEncoded else { return append(data: data) }
    tensors.append(.base64(data))
    return data.kind == .string
  }

  private func append(data: JSONValue) -> Bool {
    tensors.append(.lists(data))
    var value = data
    var rank = 0
    // Nested lists, by their first elements: a tensor's shape is read from these.
    while value.kind == .array || value.kind == .numbers {
      rank += 1
      guard rank <= Shape.maximumRank else { return false }
      text.append(Mark.list)
      append(value.count)
      guard value.kind == .array else {
        text.append(Mark.number)
        return true
      }
      var elements = value.elements
      guard let first = elements.next() else {
        text.append(Mark.nothing)
        return true
      }
      value = first
    }
    switch value.kind {
    case .number, .string: text.append(Mark.number)
    case .true, .false: text.append(Mark.truth)
    default: return false
    }
    return true
  }

  private enum Mark {
    static let list: UInt8 = 2
    static let number: UInt8 = 3
    static let truth: UInt8 = 4
    static let nothing: UInt8 = 5
    /// Flags added to the endpoint's number: the path names a graph; the request, or the answer, is a safetensors file.
    static let byName: UInt8 = 0x20
    static let fromFile: UInt8 = 0x40
    static let toFile: UInt8 = 0x80
  }

  private func append(_ count: Int) {
    UnsafeMutableRawPointer(text.reserve(8)).storeBytes(of: count, as: Int.self)
    text.commit(8)
  }

  private func append(_ bytes: UnsafeRawBufferPointer) {
    append(bytes.count)
    if bytes.count > PlanKey.longest - text.count {
      isTooLong = true
    } else {
      text.append(bytes)
    }
  }
}

extension Endpoint {
  fileprivate var number: UInt8 {
    switch self {
    case .evaluate: 1
    case .jvp: 2
    case .jacobian: 3
    case .hessian: 4
    case .hvp: 5
    case .check: 6
    }
  }
}
