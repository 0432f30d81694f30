import AutogradCore
import AutogradFormats

/// What of a request decides its plan and all of its answer but the numbers: every byte of it except the data of
/// tensors, of which only the shape of the lists counts, and whether they hold numbers or true and false.
///
/// Two requests of one outline are built, differentiated, planned and refused alike as long as their data can be read.
/// So an outline needs no checks: a plan is kept only for requests that passed all of them, and what was never answered
/// is not found.
///
/// The outline is written as bytes that no other outline has: every text behind its length, every list behind its
/// count. The tensors come in the order `inputs`, constants, those of functions, `cotangents`, then `tangents` or
/// `vectors`.
struct RequestOutline {
  private let scratch: RequestScratch
  /// Of a safetensors file, the data of the tensors that are not in the graph.
  private let file: UnsafeRawBufferPointer?
  private let limits: Limits
  private var key: ByteBuffer { scratch.key }

  /// A longer outline, which is a copy of most of the body, is not made: few plans of such requests would be kept, if
  /// any.
  private static let longest = 16 << 20
  private var isTooLong = false

  /// - Returns: false for what cannot be a request with an answer, or one whose plan is not kept.
  static func write(_ endpoint: Endpoint, _ body: ParsedBody, _ limits: Limits, to scratch: RequestScratch) -> Bool {
    scratch.clear()
    var outline = RequestOutline(scratch: scratch, file: body.file, limits: limits)
    return outline.write(endpoint, body.document.root, body.answersSafetensors) && !outline.isTooLong
  }

  private mutating func write(_ endpoint: Endpoint, _ root: JSONValue, _ answersSafetensors: Bool) -> Bool {
    guard root.kind == .object else { return false }
    var graph: JSONValue?
    var inputs: JSONValue?
    var cotangents: JSONValue?
    var directions: JSONValue?
    key.append(endpoint.number | (file == nil ? 0 : Mark.fromFile) | (answersSafetensors ? Mark.toFile : 0))
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
    let inner = RequestOutline.constants(of: functions)
    let tensorCount =
      (inputs?.count ?? 0) + (constants?.count ?? 0) + (cotangents?.count ?? 0) + (directions?.count ?? 0)
    guard inner.reduce(tensorCount, { $0 + $1.count }) <= limits.nodes else { return false }
    if inner.isEmpty { append(graph, without: constants) } else { append(graph, without: constants, inner) }
    guard append(inputs, file), append(constants, nil) else { return false }
    for constants in inner where !append(constants, nil) { return false }
    return append(cotangents, file) && append(directions, file)
  }

  /// The objects of constants of a graph's functions.
  private static func constants(of functions: JSONValue?) -> [JSONValue] {
    guard let functions else { return [] }
    return functions.members.compactMap { $0.value["constants"] }
  }

  private mutating func append(_ graph: JSONValue, without constants: JSONValue?) {
    let text = graph.text
    // How many pieces there are.
    guard let hole = constants?.text, let start = text.baseAddress, let holeStart = hole.baseAddress else {
      append(1)
      return append(text)
    }
    append(2)
    let before = holeStart - start
    append(UnsafeRawBufferPointer(rebasing: text[..<before]))
    append(UnsafeRawBufferPointer(rebasing: text[(before + hole.count)...]))
  }

  /// The same where there are several pieces to leave out, which stand in any order.
  private mutating func append(_ graph: JSONValue, without constants: JSONValue?, _ inner: [JSONValue]) {
    let holes = (inner + (constants.map { [$0] } ?? [])).map(\.text)
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
  private mutating func append(_ object: JSONValue?, _ file: UnsafeRawBufferPointer?) -> Bool {
    guard let object = object?.given else {
      key.append(0)
      return true
    }
    guard object.kind == .object else { return false }
    key.append(1)
    append(object.count)
    for (name, value) in object.members {
      append(name.bytes)
      guard value.kind == .object ? append(members: value, file) : append(data: value) else { return false }
    }
    return true
  }

  /// `{"dtype", "shape", "encoding", "data"}`
  private mutating func append(members tensor: JSONValue, _ file: UnsafeRawBufferPointer?) -> Bool {
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
      scratch.tensors.append(.bytes(bytes))
      return true
    }
    guard isEncoded else { return append(data: data) }
    scratch.tensors.append(.base64(data))
    return data.kind == .string
  }

  private mutating func append(data: JSONValue) -> Bool {
    scratch.tensors.append(.lists(data))
    var value = data
    var rank = 0
    // Lists in lists, by their first elements: that is what a tensor's shape is taken from.
    while value.kind == .array || value.kind == .numbers {
      rank += 1
      guard rank <= Shape.maximumRank else { return false }
      key.append(Mark.list)
      append(value.count)
      guard value.kind == .array else {
        key.append(Mark.number)
        return true
      }
      var elements = value.elements
      guard let first = elements.next() else {
        key.append(Mark.nothing)
        return true
      }
      value = first
    }
    switch value.kind {
    case .number, .string: key.append(Mark.number)
    case .true, .false: key.append(Mark.truth)
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

  private mutating func append(_ count: Int) {
    UnsafeMutableRawPointer(key.reserve(8)).storeBytes(of: count, as: Int.self)
    key.commit(8)
  }

  private mutating func append(_ bytes: UnsafeRawBufferPointer) {
    append(bytes.count)
    if bytes.count > RequestOutline.longest - key.count {
      isTooLong = true
    } else {
      key.append(bytes)
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
