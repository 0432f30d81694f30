import AutogradFormats

/// A request whose numbers came as a safetensors file, as the JSON that it stands for: only the data of tensors are not
/// in it but where they are in the file, `[begin, end]`. So a request is read in one way, whatever it came as, and
/// places in it have one kind of pointer.
struct SafetensorsRequest {
  /// What tensors are called that are no inputs.
  private static let prefixes: [(member: StaticString, prefix: StaticString)] = [
    ("cotangents", "cotangents/"), ("tangents", "tangents/"), ("vectors", "vectors/"),
  ]

  /// How the text of a member of `__metadata__` is read.
  private enum Reading {
    /// It is JSON.
    case json
    /// It is what a JSON request has in quotes.
    case plain
    /// `true` or `false`.
    case flag
    /// Nothing but `{}`: the tensors themselves are in the file, and this says that there are none.
    case none
    /// Some libraries note there what they saved.
    case ignored
  }

  private static let readings: [(name: StaticString, reading: Reading)] = [
    ("graph", .json), ("wrt", .json), ("of", .json), ("outputs", .json), ("batch", .json), ("dtype", .plain),
    ("encoding", .plain),
    ("gradients", .flag), ("per_example", .flag), ("for", .plain), ("step", .json), ("rtol", .json), ("atol", .json),
    ("cotangents", .none),
    ("tangents", .none), ("vectors", .none),
    ("format", .ignored),
  ]

  private let file: SafetensorsFile
  private let limits: Limits
  private let text: ByteBuffer

  /// The request as JSON.
  static func text(of file: SafetensorsFile, _ limits: Limits) throws(FormatError) -> ByteBuffer {
    let request = SafetensorsRequest(file: file, limits: limits, text: ByteBuffer(capacity: 1024))
    try request.write()
    return request.text
  }

  /// Where a tensor is in the request, such as `/inputs/x`.
  static func pointer(to name: JSONName) -> String {
    if name == "__metadata__" { return "/__metadata__" }
    guard let (member, prefix) = prefixes.first(where: { name.bytes.hasPrefix($0.prefix) }) else {
      return "/inputs" + Pointer.member(name.string)
    }
    return "/\(member)" + Pointer.member(JSONName(bytes: name.bytes.dropping(prefix)).string)
  }

  private func write() throws(FormatError) {
    text.append("{\"inputs\": {")
    appendTensors("")
    text.append("}")
    if let metadata = file.metadata {
      guard metadata.kind == .object else {
        throw FormatError(
          .wrongType, "__metadata__ is an object of strings, got \(metadata.describe)", at: "/__metadata__")
      }
      for (name, value) in metadata.members { try appendMember(name, value) }
    }
    for (member, prefix) in SafetensorsRequest.prefixes {
      let isPresent = file.metadata?[member] != nil || file.entries.contains { $0.name.bytes.hasPrefix(prefix) }
      guard isPresent else { continue }
      text.append(", \"")
      text.append(member)
      text.append("\": {")
      appendTensors(prefix)
      text.append("}")
    }
    text.append("}")
  }

  // MARK: Tensors

  /// Those whose names have the prefix; for an empty one, those that have none of the prefixes.
  private func appendTensors(_ prefix: StaticString) {
    var isFirst = true
    for entry in file.entries {
      let found = SafetensorsRequest.prefixes.first { entry.name.bytes.hasPrefix($0.prefix) }?.prefix ?? ""
      guard found.utf8CodeUnitCount == prefix.utf8CodeUnitCount, entry.name.bytes.hasPrefix(prefix) else { continue }
      if !isFirst { text.append(", ") }
      isFirst = false
      text.appendJSONString(entry.name.bytes.dropping(prefix))
      text.append(": {\"dtype\": \"")
      text.append(entry.dtype.name)
      text.append("\", \"shape\": ")
      text.append(entry.shape.text)
      text.append(", \"data\": [")
      text.append(int: Int64(entry.begin))
      text.append(", ")
      text.append(int: Int64(entry.end))
      text.append("]}")
    }
  }

  // MARK: Metadata

  private func appendMember(_ name: JSONName, _ value: JSONValue) throws(FormatError) {
    guard let (_, reading) = SafetensorsRequest.readings.first(where: { name == $0.name }) else {
      throw FormatError.unknownMember(
        name.string, of: "__metadata__", SafetensorsRequest.readings.map { "\($0.name)" }, at: "")
    }
    let pointer = Pointer.member(name.string)
    guard value.kind == .string else {
      throw FormatError(
        .wrongType, "the members of __metadata__ are strings, got \(value.describe) for \(name.string)", at: pointer)
    }
    let content = value.stringBytes
    switch reading {
    case .ignored: return
    case .none:
      guard content.count == 2, content.hasPrefix("{}") else {
        throw FormatError(
          .wrongType,
          "\(name.string) is {} or left out of __metadata__: its tensors are in the file, called \(name.string)/ and "
            + "a name",
          at: pointer)
      }
      return
    case .flag:
      guard JSONName(bytes: content) == "true" || JSONName(bytes: content) == "false" else {
        throw FormatError(.wrongType, "\(name.string) is true or false, got \(value.brief)", at: pointer)
      }
    case .plain: break
    case .json: try check(content, name, pointer)
    }
    text.append(", ")
    text.appendJSONString(name.bytes)
    text.append(": ")
    if reading == .plain { text.appendJSONString(content) } else { text.append(content) }
  }

  /// Each text is JSON by itself; what is put together is then JSON too, with these members.
  private func check(_ content: UnsafeRawBufferPointer, _ name: JSONName, _ pointer: String) throws(FormatError) {
    do throws(JSONSyntaxError) {
      _ = try JSONDocument(parsing: content, maximumDepth: limits.jsonDepth, maximumBytes: limits.documentBytes)
    } catch {
      throw FormatError(error).under(pointer).saying { "\(name.string) in __metadata__ is JSON text: \($0)" }
    }
  }
}

extension UnsafeRawBufferPointer {
  /// - Precondition: they begin with it.
  fileprivate func dropping(_ prefix: StaticString) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: self[prefix.utf8CodeUnitCount...])
  }
}
