/// What bodies are read and what answers are accepted.
enum MediaTypes {
  /// A body is JSON whatever its type says, because curl -d calls everything a form; refused is only what surely is something else.
  static func checkBody(_ request: Request) throws(Problem) {
    if let coding = request.contentEncoding?.lowercased(), coding != "identity", !coding.isEmpty {
      throw Problem(.unsupportedMediaType, "the body has the content encoding \(coding.prefix(40)); send it as it is")
    }
    guard let header = request.contentType else { return }
    // Nearly all are one of these two, and taking text apart costs more than answering a small graph.
    if header == "application/json" || header == "application/x-www-form-urlencoded" { return }
    let type = header.lowercased().prefix { $0 != ";" && $0 != " " }
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
        .unsupportedMediaType, "a body of type \(type.prefix(80)) is not read; send JSON, for example with curl -d @request.json")
    }
  }

  /// Whether an answer of a type is among what the Accept header takes. Errors are sent whatever it says.
  static func checkAccept(_ header: String?, _ type: String) throws(Problem) {
    guard let header, !header.isEmpty, header != "*/*", header != type else { return }
    let family = type.prefix { $0 != "/" }
    for part in header.lowercased().split(separator: ",") {
      let pieces = part.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" } }
      guard let range = pieces.first else { continue }
      let isExcluded = pieces.dropFirst().contains { $0.hasPrefix("q=0") && $0.dropFirst(3).allSatisfy { $0 == "." || $0 == "0" } }
      let isYAML = type == "application/yaml" && ["text/yaml", "application/x-yaml", "text/x-yaml"].contains(range)
      let fits =
        isYAML || range == type || range == "*/*" || range == "\(family)/*"
        || (range == "application/problem+json" && type == "application/json")
      if fits && !isExcluded { return }
    }
    throw Problem(.notAcceptable, "the answer is \(type), which Accept: \(header.prefix(80)) rules out")
  }
}
