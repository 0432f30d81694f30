import AutogradCore

/// A body that has been read as JSON, or as a safetensors file. Whoever works with its values holds on to it.
///
/// `@unchecked Sendable`: nothing but the clock changes, and a copy has its own; the bytes are the request's, which says the same.
struct ParsedBody: @unchecked Sendable {
  let document: JSONDocument
  /// Of a safetensors file, the data that the document's tensors refer to.
  let file: UnsafeRawBufferPointer?
  /// Whether the answer is a safetensors file.
  let answersSafetensors: Bool
  /// What the document was read from, where that is not the body itself.
  private let text: ByteBuffer?
  /// Of the request, see there.
  private(set) var interruption: Interruption?
  var clock = PhaseClock()

  /// The same, on the compute pool.
  func on(_ interruption: Interruption?) -> ParsedBody {
    var body = self
    body.interruption = interruption
    return body
  }

  init(_ request: Request, _ limits: Limits) throws(Problem) {
    interruption = request.interruption
    answersSafetensors = MediaTypes.answersSafetensors(request)
    var bytes = request.body
    if MediaTypes.isSafetensors(request.contentType) {
      let file = try SafetensorsFile(request.body, limits)
      let text = try withExtendedLifetime(file) { () throws(Problem) in
        try SafetensorsRequest.text(of: file, limits)
      }
      bytes = text.bytes
      (self.file, self.text) = (file.data, text)
    } else {
      (file, text) = (nil, nil)
    }
    do throws(JSONSyntaxError) {
      document = try JSONDocument(parsing: bytes, maximumDepth: limits.jsonDepth, maximumBytes: limits.documentBytes)
    } catch {
      throw Problem(error)
    }
  }
}
