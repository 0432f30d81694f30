import AutogradCore
import AutogradFormats

/// What of a request decides its plan and all of its answer but the numbers: every byte of it except the data of
/// tensors, of which only the shape of the lists counts, and whether they hold numbers or true and false.
///
/// Two requests of one key are built, differentiated, planned and refused alike as long as their data can be read. So a
/// key needs no checks: a plan is kept only for requests that passed all of them, and what was never answered is not
/// found.
///
/// It is written as bytes that no other key has: every text behind its length, every list behind its count. The tensors
/// come in the order `inputs`, constants, those of functions, `cotangents`, then `tangents` or `vectors`, which is also
/// that of the plan's inputs, but for inputs that the graph declares in another order.
///
/// `@unchecked Sendable`: it is written before it is handed on.
final class PlanKey: @unchecked Sendable {
  /// The request's tensors.
  private(set) var tensors: [TensorSource] = []
  private let text = ByteBuffer(capacity: 1024)
  /// Of a safetensors file, the data of the tensors that are not in the graph.
  private let file: UnsafeRawBufferPointer?
  private let limits: Limits

  var bytes: UnsafeRawBufferPointer { text.bytes }

  /// Memory that it takes.
  var byteCount: Int { text.capacity + tensors.count * MemoryLayout<TensorSource>.stride }

  /// A longer key, which is a copy of most of the body, is not made: few plans of such requests would be kept, if any.
  private static let longest = 16 << 20
  private var isTooLong = false

  /// Nil for what cannot be a request with an answer, or one whose plan is not kept.
  init?(_ endpoint: Endpoint, _ body: ParsedBody, _ limits: Limits) {
    file = body.file
    self.limits = limits
    // What is diagnosed is answered in full.
    if body.document.root["diagnose"]?.kind == .true { return nil }
    guard write(endpoint, body.document.root, body.answersSafetensors), !isTooLong else { return nil }
  }

  private func write(_ endpoint: Endpoint, _ root: JSONValue, _ answersSafetensors: Bool) -> Bool {
    guard root.kind == .object else { return false }
    var graph: JSONValue?
    var inputs: JSONValue?
    var cotangents: JSONValue?
    var directions: JSONValue?
    text.append(endpoint.number | (file == nil ? 0 : Mark.fromFile) | (answersSafetensors ? Mark.toFile : 0))
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
    guard let graph, graph.kind == .object else { return false }
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

  /// The objects of constants of a graph's functions.
  private static func constants(of functions: JSONValue?) -> [JSONValue] {
    guard let functions else { return [] }
    return functions.members.compactMap { $0.value["constants"] }
  }

  /// The text around the constants, of the graph and of its functions, which stand in any order.
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
    // Lists in lists, by their first elements: that is what a tensor's shape is taken from.
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
    /// Beside the endpoint: the request, and the answer, is a safetensors file.
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
