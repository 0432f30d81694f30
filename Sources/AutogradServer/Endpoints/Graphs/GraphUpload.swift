import AutogradFormats
import AutogradGraphs
import AutogradHTTP

/// The body of a PUT: what it is, and what clients do to it on the way.
enum GraphUpload {
  private static let formType = "application/x-www-form-urlencoded"

  /// Which bodies are not read.
  static func check(_ request: Request) -> Refusal? {
    if let coding = request.contentEncoding?.lowercased(), coding != "identity", !coding.isEmpty {
      return .unsupportedMediaType("the body has the content encoding \(coding.prefix(40)); send it as it is")
    }
    guard let type = essence(of: request) else { return nil }
    let isKnown =
      type.hasPrefix("text/")
      || [formType, MediaTypes.json, MediaTypes.safetensors, "application/octet-stream"].contains(type)
    if isKnown { return nil }
    return .unsupportedMediaType(
      "a graph of type \(type.prefix(80)) is not read; send a formula as text/plain, JSON as \(MediaTypes.json), or a "
        + "safetensors file as \(MediaTypes.safetensors)")
  }

  private static func essence(of request: Request) -> String? {
    request.contentType.flatMap { $0.isEmpty ? nil : String(MediaTypes.essence($0)) }
  }

  /// By its Content-Type where that says something, else by its first bytes.
  static func type(of request: Request) -> GraphMediaType {
    switch essence(of: request) {
    case MediaTypes.json: .json
    case MediaTypes.safetensors: .safetensors
    default: GraphMediaType(of: request.body)
    }
  }

  /// Whether its line ends may be missing: `curl -d @file` takes them out.
  private static func mayLackLineEnds(_ request: Request) -> Bool {
    essence(of: request) == formType && !request.body.contains(UInt8(ascii: "\n"))
  }

  private static let advice = "; curl -d @FILE takes line ends out: use --data-binary @FILE"

  /// A comment in a text without line ends hides all that follows it.
  static func refusal(ofFormula request: Request) -> FormatError? {
    guard mayLackLineEnds(request), let place = commentStart(request.body) else { return nil }
    return FormatError(.invalidFormula, "a comment would hide the rest of a text without line ends\(advice)")
      .at("", TextPlace(place, in: request.body))
  }

  private static func commentStart(_ text: UnsafeRawBufferPointer) -> Int? {
    var quote: UInt8?
    var isEscaped = false
    for (position, byte) in text.enumerated() {
      if isEscaped {
        isEscaped = false
      } else if let open = quote {
        if byte == UInt8(ascii: "\\") && open != UInt8(ascii: "`") { isEscaped = true }
        if byte == open { quote = nil }
      } else if byte == UInt8(ascii: "#") {
        return position
      } else if [UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "`")].contains(byte) {
        quote = byte
      }
    }
    return nil
  }

  /// An error in what was sent, with the advice that may mend it.
  static func explained(_ error: FormatError, _ request: Request) -> FormatError {
    guard error.code == .invalidFormula, mayLackLineEnds(request) else { return error }
    return error.saying { $0 + advice }
  }
}
