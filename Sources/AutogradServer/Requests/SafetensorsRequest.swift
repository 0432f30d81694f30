import AutogradFormats

/// Converts a safetensors request to the equivalent JSON. Instead of data it has the position in the file, `[begin,
/// end]`. So both formats are read by the same code and use the same pointers in errors.
struct SafetensorsRequest {
  /// A metadata key that some libraries add to files.
  private static let ignored: StaticString = "format"

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
    for member in RequestMember.withTensors {
      guard let inside = SafetensorsRequest.name(name.bytes, in: member) else { continue }
      return "/\(member.name)" + Pointer.member(JSONName(bytes: inside).string)
    }
    return "/inputs" + Pointer.member(name.string)
  }

  /// The name of a tensor within a member: the part after the member's name and a slash. Nil if it belongs to another
  /// member.
  private static func name(_ bytes: UnsafeRawBufferPointer, in member: RequestMember) -> UnsafeRawBufferPointer? {
    let length = member.name.utf8CodeUnitCount
    guard bytes.count > length, bytes.hasPrefix(member.name), bytes[length] == UInt8(ascii: "/") else { return nil }
    return UnsafeRawBufferPointer(rebasing: bytes[(length + 1)...])
  }

  private func write() throws(FormatError) {
    text.append("{\"inputs\": {")
    appendTensors { entry in
      RequestMember.withTensors.contains { SafetensorsRequest.name(entry, in: $0) != nil } ? nil : entry
    }
    text.append("}")
    if let metadata = file.metadata {
      guard metadata.kind == .object else {
        throw FormatError(
          .wrongType, "__metadata__ is an object of strings, got \(metadata.describe)", at: "/__metadata__")
      }
      for (name, value) in metadata.members { try appendMember(name, value) }
    }
    for member in RequestMember.withTensors {
      let isPresent =
        file.metadata?[member.name] != nil
        || file.entries.contains { SafetensorsRequest.name($0.name.bytes, in: member) != nil }
      guard isPresent else { continue }
      text.append(", \"")
      text.append(member.name)
      text.append("\": {")
      appendTensors { SafetensorsRequest.name($0, in: member) }
      text.append("}")
    }
    text.append("}")
  }

  // MARK: Tensors

  /// - Parameter name: the tensor's name within the member; nil if it belongs elsewhere.
  private func appendTensors(_ name: (UnsafeRawBufferPointer) -> UnsafeRawBufferPointer?) {
    var isFirst = true
    for entry in file.entries {
      guard let name = name(entry.name.bytes) else { continue }
      if !isFirst { text.append(", ") }
      isFirst = false
      text.appendJSONString(name)
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
    if name == SafetensorsRequest.ignored { return }
    guard let member = RequestMember.all.first(where: { name == $0.name }), member.metadata != .otherTensors else {
      let known = RequestMember.all.filter { $0.metadata != .otherTensors }.map { "\($0.name)" }
      throw FormatError.unknownMember(name.string, of: "__metadata__", known, at: "")
    }
    let pointer = Pointer.member(name.string)
    guard value.kind == .string else {
      throw FormatError(
        .wrongType, "the members of __metadata__ are strings, got \(value.describe) for \(name.string)", at: pointer)
    }
    let content = value.stringBytes
    switch member.metadata {
    case .otherTensors: return
    case .tensors:
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
    case .json where isFormula(content, member):
      text.append(", \"graph\": ")
      text.appendJSONString(content)
      return
    case .json, .names: try check(content, name, pointer)
    }
    text.append(", ")
    text.appendJSONString(name.bytes)
    text.append(": ")
    if member.metadata == .plain { text.appendJSONString(content) } else { text.append(content) }
  }

  /// A graph in bare text: `{` begins JSON, `"` a JSON string, anything else is a formula.
  private func isFormula(_ content: UnsafeRawBufferPointer, _ member: RequestMember) -> Bool {
    guard "\(member.name)" == "graph" else { return false }
    let first = content.first { $0 > UInt8(ascii: " ") }
    return first != UInt8(ascii: "{") && first != UInt8(ascii: "\"")
  }

  /// Each text is checked to be JSON by itself, so that the combined text is JSON with exactly these members.
  private func check(_ content: UnsafeRawBufferPointer, _ name: JSONName, _ pointer: String) throws(FormatError) {
    do throws(JSONSyntaxError) {
      _ = try JSONDocument(parsing: content, maximumDepth: limits.jsonDepth, maximumBytes: limits.documentBytes)
    } catch {
      throw FormatError(error).under(pointer).saying { "\(name.string) in __metadata__ is JSON text: \($0)" }
    }
  }
}
