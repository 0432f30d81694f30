import AutogradGraphs
import AutogradHTTP

/// Media types of requests with tensors, and of their answers.
extension MediaTypes {
  static let safetensors = "application/vnd.safetensors"

  /// The type of a request that was made from a formula and an address: its body is JSON all the same.
  static let formula = "text/plain; formula"

  /// Whether the body is a formula and nothing else.
  static func isFormula(_ request: Request) -> Bool {
    guard let header = request.contentType, header.hasPrefix("text/"), essence(header) == "text/plain" else {
      return false
    }
    return GraphMediaType.isFormula(request.body)
  }

  /// Whether a body of this Content-Type is a safetensors file.
  static func isSafetensors(_ header: String?) -> Bool {
    guard let header else { return false }
    // Nearly every request has one of these, and parsing takes time.
    if header == json || header == "application/x-www-form-urlencoded" { return false }
    return header == safetensors || essence(header) == safetensors
  }

  /// A body is read as JSON under nearly every type, because `curl -d` declares everything a form. Only types that are
  /// certainly something else are rejected.
  static func checkBody(_ request: Request) -> Refusal? {
    if let coding = request.contentEncoding?.lowercased(), coding != "identity", !coding.isEmpty {
      return .unsupportedMediaType("the body has the content encoding \(coding.prefix(40)); send it as it is")
    }
    guard let header = request.contentType else { return nil }
    // Nearly all are one of these two, and parsing takes longer than answering a small graph.
    if header == json || header == "application/x-www-form-urlencoded" { return nil }
    let type = essence(header)
    if type == safetensors { return nil }
    let family = type.prefix { $0 != "/" }
    let textual = ["json", "x-www-form-urlencoded", "javascript", "xml", "yaml", "graphql", "text"]
    let isRefused: Bool =
      switch family {
      case "multipart", "image", "audio", "video", "font", "model": true
      case "application": !textual.contains { type.contains($0) }
      default: false
      }
    return isRefused
      ? .unsupportedMediaType(
        "a body of type \(type.prefix(80)) is not read; send JSON, for example with curl -d @request.json, or a "
          + "safetensors file as \(safetensors)") : nil
  }

  /// Whether the answer is a safetensors file, on paths that offer both: it is if the request is one, unless Accept
  /// prefers JSON, and the other way round.
  static func answersSafetensors(_ request: Request) -> Bool {
    let isAsked = isSafetensors(request.contentType)
    guard let header = request.accept, !header.isEmpty, header != "*/*" else { return isAsked }
    if header == json { return false }
    let accepted = AcceptedTypes(header)
    let (file, text) = (accepted.quality(of: safetensors), accepted.quality(of: json))
    return file == text ? isAsked : file > text
  }
}
