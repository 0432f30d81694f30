import AutogradFormats

/// What bodies are read and what answers are accepted.
enum MediaTypes {
  static let json = "application/json"
  static let safetensors = "application/vnd.safetensors"

  /// A header's text. The one that nearly every request has takes no memory.
  static func string(_ bytes: UnsafeRawBufferPointer?) -> String? {
    guard let bytes else { return nil }
    if bytes.count == json.utf8.count, bytes.hasPrefix("application/json") { return json }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Whether a body of this Content-Type is a safetensors file.
  static func isSafetensors(_ header: String?) -> Bool {
    guard let header else { return false }
    // Nearly every request has one of these, and taking text apart costs.
    if header == json || header == "application/x-www-form-urlencoded" { return false }
    return header == safetensors || essence(header) == safetensors
  }

  /// The type without its parameters, in lower case.
  private static func essence(_ header: String) -> Substring { header.lowercased().prefix { $0 != ";" && $0 != " " } }

  /// A body is JSON whatever its type says, because curl -d calls everything a form; refused is only what surely is
  /// something else.
  static func checkBody(_ request: Request) throws(Problem) {
    if let coding = request.contentEncoding?.lowercased(), coding != "identity", !coding.isEmpty {
      throw Problem(.unsupportedMediaType, "the body has the content encoding \(coding.prefix(40)); send it as it is")
    }
    guard let header = request.contentType else { return }
    // Nearly all are one of these two, and taking text apart costs more than answering a small graph.
    if header == json || header == "application/x-www-form-urlencoded" { return }
    let type = essence(header)
    if type == safetensors { return }
    let family = type.prefix { $0 != "/" }
    let textual = ["json", "x-www-form-urlencoded", "javascript", "xml", "yaml", "graphql", "text"]
    let isRefused: Bool =
      switch family {
      case "multipart", "image", "audio", "video", "font", "model": true
      case "application": !textual.contains { type.contains($0) }
      default: false
      }
    if isRefused {
      throw Problem(
        .unsupportedMediaType,
        "a body of type \(type.prefix(80)) is not read; send JSON, for example with curl -d @request.json, or a "
          + "safetensors file "
          + "as \(safetensors)")
    }
  }

  /// Whether an answer of a type, or of another that the path has, is among what the Accept header takes. Errors are
  /// sent whatever it says.
  static func checkAccept(_ header: String?, _ type: String, or other: String? = nil) throws(Problem) {
    guard let header, !header.isEmpty, header != "*/*", header != type else { return }
    let accepted = accepted(header)
    var types = [type] + (other.map { [$0] } ?? [])
    if type == json { types.append("application/problem+json") }
    if type == "application/yaml" { types += ["text/yaml", "application/x-yaml", "text/x-yaml"] }
    // What falls under a range of its own is what it is; the other names of a type must be listed themselves.
    for (index, name) in types.enumerated() where accepted.quality(of: name, exactly: index > 0 && name != other) > 0 {
      return
    }
    let answers = other.map { "\(type) or \($0)" } ?? type
    throw Problem(.notAcceptable, "the answer is \(answers), which Accept: \(header.prefix(80)) rules out")
  }

  /// Whether a path that has both answers with a safetensors file: it does where the request is one, unless Accept
  /// prefers the other.
  static func answersSafetensors(_ request: Request) -> Bool {
    let isAsked = isSafetensors(request.contentType)
    guard let header = request.accept, !header.isEmpty, header != "*/*" else { return isAsked }
    if header == json { return false }
    let accepted = accepted(header)
    let (file, text) = (accepted.quality(of: safetensors), accepted.quality(of: json))
    return file == text ? isAsked : file > text
  }

  /// What an Accept header lists.
  private static func accepted(_ header: String) -> [AcceptedRange] {
    header.lowercased().split(separator: ",").compactMap { part in
      let pieces = part.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" } }
      guard let range = pieces.first else { return nil }
      let weight = pieces.dropFirst().first { $0.hasPrefix("q=") }.flatMap { Double($0.dropFirst(2)) } ?? 1
      return AcceptedRange(range: range, quality: weight)
    }
  }
}

/// An entry of an Accept header.
private struct AcceptedRange {
  /// `application/json`, `application/*` or `*/*`.
  var range: String
  var quality: Double
}

extension [AcceptedRange] {
  /// Of the entries that a type falls under, what the most specific says; 0 for none.
  fileprivate func quality(of type: String, exactly: Bool = false) -> Double {
    let ranges = exactly ? [type] : [type, "\(type.prefix { $0 != "/" })/*", "*/*"]
    for range in ranges {
      if let entry = first(where: { $0.range == range }) { return entry.quality }
    }
    return 0
  }
}
