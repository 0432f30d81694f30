import AutogradCore
import AutogradFormats
import AutogradHTTP

/// A body that has been read as JSON, or as a safetensors file. Whoever works with its values holds on to it.
///
/// `@unchecked Sendable`: nothing but the clock changes, and a copy has its own; the bytes are the request's, which
/// says the same.
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
  /// Of the request, on the compute pool.
  private(set) var memory: (any WorkMemory)?
  var clock = PhaseClock()

  /// The same, for what may be interrupted or need more memory.
  func on(_ interruption: Interruption?, _ memory: (any WorkMemory)?) -> ParsedBody {
    var body = self
    body.interruption = interruption
    body.memory = memory
    return body
  }

  /// How long the document's text is.
  let textByteCount: Int

  /// Memory that it takes beside the request's body, at most.
  var byteCount: Int { document.byteCount + (text?.capacity ?? 0) }

  init(_ request: Request, _ limits: Limits) throws(FormatError) {
    interruption = request.interruption
    memory = request.interruption == nil ? nil : request.memory
    answersSafetensors = MediaTypes.answersSafetensors(request)
    var bytes = request.body
    if MediaTypes.isSafetensors(request.contentType) {
      let file = try SafetensorsFile(
        request.body, maximumDepth: limits.jsonDepth, maximumBytes: limits.documentBytes, maximumTensors: limits.nodes,
        pointer: SafetensorsRequest.pointer)
      let text = try withExtendedLifetime(file) { () throws(FormatError) in
        try SafetensorsRequest.text(of: file, limits)
      }
      bytes = text.bytes
      (self.file, self.text) = (file.data, text)
    } else {
      (file, text) = (nil, nil)
    }
    textByteCount = bytes.count
    do throws(JSONSyntaxError) {
      document = try JSONDocument(parsing: bytes, maximumDepth: limits.jsonDepth, maximumBytes: limits.documentBytes)
    } catch {
      throw FormatError(error)
    }
  }
}
