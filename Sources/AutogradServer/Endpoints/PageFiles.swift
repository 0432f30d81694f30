import AutogradFormats
import AutogradHTTP
import CEmbedded

/// The page that `GET /` shows to browsers, and the files that it needs, all from the binary.
enum PageFiles {
  /// Nothing but what this server has.
  private static let policy = [
    ("Content-Security-Policy", "default-src 'self'"), ("X-Content-Type-Options", "nosniff"),
    ("Cache-Control", "no-cache"),
  ]

  private static let files: [String: (content: ByteBuffer, type: String)] = {
    var files: [String: (content: ByteBuffer, type: String)] = [:]
    var scripts: [String: String] = [:]
    var (styles, types) = ("", (script: "", style: ""))
    var count = 0
    let first = embedded_page(&count)
    // In the order of their names, which is also that of the style sheets.
    for file in UnsafeBufferPointer(start: first, count: count) {
      let (name, content, type) = (String(cString: file.name), file.content.buffer, String(cString: file.media_type))
      if name.hasSuffix(".js") {
        scripts[name] = withExtendedLifetime(content) { String(decoding: content.bytes, as: UTF8.self) }
        types.script = type
      } else if name.hasSuffix(".css") {
        styles += withExtendedLifetime(content) { String(decoding: content.bytes, as: UTF8.self) }
        types.style = type
      } else {
        files[name] = (content, type)
      }
    }
    files["page.js"] = (ByteBuffer(PageBundle(scripts, from: "app.js").script), types.script)
    files["page.css"] = (ByteBuffer(styles), types.style)
    return files
  }()

  /// `GET /page/{file}`
  static func response(_ name: String) throws(Problem) -> Response {
    guard let file = files[name] else { throw Problem(.notFound, "the page has no file \(name.prefix(64))") }
    var response = Response.shared(file.content, contentType: file.type)
    response.headers = policy
    return response
  }

  /// `GET /`: the page for who asks for HTML, as browsers do; a list of what there is for others.
  static func start(_ request: Request) throws(Problem) -> Response {
    let accepted = AcceptedTypes(request.accept ?? "")
    if accepted.quality(of: "text/html", exactly: true) > accepted.quality(of: MediaTypes.json, exactly: true) {
      return try response("index.html")
    }
    return .shared(index)
  }

  private static let index = ByteBuffer(
    """
    {"name": "autograd-server", "version": "\(Version.current)", "page": "/page/index.html", "docs": "/docs", \
    "openapi": "/openapi.json", "operations": "/v1/operations", "graphs": "/v1/graphs", "client": "/client.js"}

    """)
}

extension embedded_document {
  /// A copy.
  var buffer: ByteBuffer {
    let buffer = ByteBuffer(capacity: count)
    buffer.append(UnsafeRawBufferPointer(start: bytes, count: count))
    return buffer
  }
}
