import AutogradCore
import AutogradFormats
import AutogradHTTP

/// A large answer, written while it is sent: of its text there is a piece or two at a time, and the numbers stay where
/// the run has left them.
///
/// `@unchecked Sendable`: one thread at a time asks for pieces.
final class AnswerStream: BodyStream, @unchecked Sendable {
  /// Answers that may take more are streamed. Smaller ones are sent whole, with their length: a piece costs some ten
  /// microseconds beside its bytes.
  static let threshold = 8 << 20
  private static let pieceByteCount = 256 << 10
  /// Bytes that a piece may have beyond that: a block of numbers, and the text around a tensor, which is more where
  /// names are long.
  private static let slack = 4 << 10
  /// Of what is made and what is sent.
  static let piecesByteCount = 2 * (pieceByteCount + slack)

  private let template: AnswerTemplate
  private let results: [Int]
  private let found: [DifferentialRequest.Warning]
  private let memory: RunMemory.Lease
  private let block: UnsafeRawPointer
  @exclusivity(unchecked) private var progress = AnswerTemplate.Progress()

  /// - Parameters:
  ///   - block: the memory's, with the results of a run.
  ///   - results: where they lie in it.
  init(
    _ template: AnswerTemplate, _ memory: consuming RunMemory.Lease, _ block: UnsafeRawPointer, _ results: [Int],
    _ found: [DifferentialRequest.Warning]
  ) {
    self.template = template
    self.memory = memory
    self.block = block
    self.results = results
    self.found = found
    contentLength = template.exactByteCount(found)
  }

  let contentLength: Int?
  var byteCount: Int { memory.byteCount + AnswerStream.piecesByteCount }
  /// A byte takes a nanosecond.
  var costOfPiece: Int64 { Int64(AnswerStream.pieceByteCount) }

  func next(_ cancellation: any Cancellation) -> BodyPiece {
    if progress.isAtEnd { return .end }
    let piece = ByteBuffer(capacity: AnswerStream.pieceByteCount + AnswerStream.slack)
    do throws(GraphError) {
      try template.write(
        &progress, to: piece, until: AnswerStream.pieceByteCount, from: block, results, found, .of(cancellation))
    } catch {
      return .failure("its deadline has passed, or its client has left")
    }
    return .bytes(piece)
  }
}
