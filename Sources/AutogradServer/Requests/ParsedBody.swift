import AutogradCore
import AutogradFormats
import AutogradGraphs
import AutogradHTTP

/// A body that has been read as JSON, or as a safetensors file. Code that uses its values must keep it alive.
///
/// `@unchecked Sendable`: only the clock changes, and each copy has its own. The bytes belong to the request, which is
/// Sendable for the same reason.
struct ParsedBody: @unchecked Sendable {
  let document: JSONDocument
  /// The stored graph that the request names in its path instead of giving one.
  let stored: StoredGraph?
  /// The data of a safetensors file, which the document's tensors refer to.
  let file: UnsafeRawBufferPointer?
  /// Whether the answer is a safetensors file.
  let answersSafetensors: Bool
  /// The text that the document was parsed from, if it is not the body itself.
  private let text: ByteBuffer?
  /// The request's interruption.
  private(set) var interruption: Interruption?
  /// The request's memory, on the compute pool.
  private(set) var memory: (any WorkMemory)?
  var clock = PhaseClock()

  /// A copy with another interruption and memory.
  func on(_ interruption: Interruption?, _ memory: (any WorkMemory)?) -> ParsedBody {
    var body = self
    body.interruption = interruption
    body.memory = memory
    return body
  }

  /// The digest of the graph.
  var graphDigest: String {
    if let stored { return stored.digest }
    return withExtendedLifetime(document) {
      GraphDigest.text(document.root["graph"]?.text ?? UnsafeRawBufferPointer(start: nil, count: 0))
    }
  }

  /// Length of the document's text.
  let textByteCount: Int

  /// Maximum memory in addition to the request's body.
  var byteCount: Int { document.byteCount + (text?.capacity ?? 0) }

  init(_ request: Request, _ limits: Limits, _ stored: StoredGraph? = nil) throws(FormatError) {
    self.stored = stored
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
