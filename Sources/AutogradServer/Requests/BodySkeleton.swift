import AutogradCore
import AutogradFormats
import AutogradGraphs
import AutogradHTTP
import Glibc

/// The text of an answered request without the numbers of its tensors, and where in the memory of a run these numbers
/// go.
///
/// A body with the same text around its numbers is the same request with other numbers: same JSON, keys, graph and
/// shapes. So it has the same plan and can fail only because of its numbers. These are read with the grammar and
/// rounding of the parser and ``NestedTensorReader``, directly to where the plan reads them. Neither a document nor a
/// key is made. At the first byte that differs, or the first number that needs the slow path, ``read(_:into:)`` returns
/// false, and the request is parsed.
///
/// Why it exists: without it a tiny request takes 20 to 25% more processor time, and throughput is a fifth lower.
final class BodySkeleton: Sendable {
  /// Longer bodies are mostly numbers and would gain nothing.
  private static let longest = 16 << 10
  /// A skeleton keeps its plan alive outside the cache, so large plans get none.
  private static let largestPlan = 1 << 20

  let endpoint: Endpoint
  let plan: PreparedPlan
  let graphDigest: String
  /// The version of the stored graph that the path named.
  private let version: StoredVersion?
  /// Whether there is one: to copy it only for this would cost every request.
  private let isForStored: Bool
  /// All text between numbers, concatenated.
  private let text: ByteBuffer
  private let holes: [Hole]

  private struct Hole {
    /// Where the text before the number ends.
    var textEnd: Int
    var dtype: DType
    /// Where in the block of a run the number goes.
    var place: Int
  }

  /// - Parameters:
  ///   - body: a JSON body that the plan has answered, with these tensors.
  /// - Returns: nil if a skeleton would not help or is not possible: for tensors other than lists of numbers, and for
  ///   tensors within the graph, because they change its digest.
  init?(
    _ endpoint: Endpoint, _ body: UnsafeRawBufferPointer, _ document: JSONDocument, _ tensors: [TensorSource],
    _ plan: PreparedPlan, _ stored: StoredGraph?
  ) {
    guard body.count <= BodySkeleton.longest, plan.byteCount <= BodySkeleton.largestPlan,
      plan.sources.count == tensors.count,
      Set(plan.sources.map(\.tensor)).count == tensors.count
    else { return nil }
    let graph = document.root["graph"]?.text
    guard graph != nil || stored != nil else { return nil }
    version = stored?.version
    isForStored = stored != nil
    var builder = Builder(body: body, graph: graph)
    let spans = plan.sources.sorted { $0.tensor < $1.tensor }.map { input, tensor in
      Span(source: tensors[tensor], type: plan.plan.inputTypes[input], place: plan.layout.inputs[input])
    }
    // In the order of the body, which may differ from that of the key.
    for span in spans.sorted(by: { $0.start < $1.start }) where !builder.append(span) { return nil }
    builder.finish()
    self.endpoint = endpoint
    self.plan = plan
    graphDigest = stored?.digest ?? graph.map(GraphDigest.text) ?? ""
    text = builder.text
    holes = builder.holes
  }

  /// Only the numbers of a body, for a run that has to wait, because blocks are too large to be held meanwhile. Nil if
  /// the body's text differs.
  func numbers(of body: UnsafeRawBufferPointer) -> RunMemory? {
    let numbers = RunMemory()
    // Addressed as if they were at the end of a block.
    let start =
      numbers.block(of: plan.layout.byteCount - plan.layout.byteCountWithoutInputs) - plan.layout.byteCountWithoutInputs
    return read(body, into: start) ? numbers : nil
  }

  func place(_ numbers: RunMemory, in block: UnsafeMutableRawPointer) {
    let size = plan.layout.byteCount - plan.layout.byteCountWithoutInputs
    memcpy(block + plan.layout.byteCountWithoutInputs, numbers.block(of: size), size)
  }

  /// Writes the numbers of a body into a block for the plan. False if the body's text differs; the block's content is
  /// then undefined.
  func read(_ body: UnsafeRawBufferPointer, into block: UnsafeMutableRawPointer) -> Bool {
    guard var next = body.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return false }
    let end = next + body.count
    let reader = NumberReader()
    var compared = 0
    for hole in holes {
      let length = hole.textEnd - compared
      guard end - next >= length, memcmp(next, text.base + compared, length) == 0 else { return false }
      next += length
      compared = hole.textEnd
      guard let numberEnd = reader.read(next, end, as: hole.dtype, into: block + hole.place) else { return false }
      next = numberEnd
    }
    let rest = text.count - compared
    return end - next == rest && memcmp(next, text.base + compared, rest) == 0
  }

  /// Whether it is for requests with this stored graph.
  func isFor(_ stored: StoredGraph?) -> Bool {
    guard let stored else { return !isForStored }
    guard let version else { return false }
    return version.name == stored.version.name && version.isSame(as: stored.version)
  }

  /// Whether a body starts as this text does, up to the first number.
  func begins(_ body: UnsafeRawBufferPointer) -> Bool {
    let length = holes.first?.textEnd ?? text.count
    guard body.count >= length, let start = body.baseAddress else { return false }
    return memcmp(start, text.base, length) == 0
  }

  /// Where the data of a tensor are in the body.
  private struct Span {
    /// Nil for anything but lists of numbers.
    let text: UnsafeRawBufferPointer?
    let type: TensorType
    let place: Int

    init(source: TensorSource, type: TensorType, place: Int) {
      text = if case .lists(let data) = source, type.dtype != .bool { data.text } else { nil }
      self.type = type
      self.place = place
    }

    var start: UInt { UInt(bitPattern: text?.baseAddress) }
  }

  private struct Builder {
    let body: UnsafeRawBufferPointer
    /// The graph's text in the body.
    let graph: UnsafeRawBufferPointer?
    let text = ByteBuffer()
    var holes: [Hole] = []
    /// How much of the body has been processed.
    var position = 0

    mutating func append(_ span: Span) -> Bool {
      guard let data = span.text, let base = body.baseAddress, let start = data.baseAddress else { return false }
      if let graph, let graphStart = graph.baseAddress, start >= graphStart, start < graphStart + graph.count {
        return false
      }
      let bytes = base.assumingMemoryBound(to: UInt8.self)
      let width = span.type.dtype.byteWidth
      let dataStart = start - base
      let dataEnd = dataStart + data.count
      guard dataStart >= position, dataEnd <= body.count else { return false }
      var next = dataStart
      var count = 0
      while next < dataEnd {
        let byte = bytes[next]
        guard byte == UInt8(ascii: "-") || byte &- UInt8(ascii: "0") <= 9 else {
          // Brackets, commas and space. Not true, false or the strings for non-finite numbers: other bodies have other
          // values there.
          guard byte <= UInt8(ascii: " ") || [UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: ",")].contains(byte)
          else { return false }
          next += 1
          continue
        }
        guard count < span.type.elementCount, let decimal = NumberReader().scan(bytes + next, bytes + dataEnd) else {
          return false
        }
        take(to: next)
        holes.append(Hole(textEnd: text.count, dtype: span.type.dtype, place: span.place + count * width))
        next = decimal.end - bytes
        position = next
        count += 1
      }
      return count == span.type.elementCount
    }

    mutating func finish() { take(to: body.count) }

    private mutating func take(to end: Int) {
      text.append(UnsafeRawBufferPointer(rebasing: body[position..<end]))
      position = end
    }
  }
}

/// Skeletons of recent requests; few, because lookup is linear.
final class RecentSkeletons: Sendable {
  private static let mostKept = 4

  private struct State {
    var skeletons: [BodySkeleton] = []
    /// How many skeletons were offered while all places were taken.
    var surplus = 0
  }

  private let state = Locked(State())

  var all: [BodySkeleton] { state.withLock { $0.skeletons } }

  /// Whether to make another skeleton. If more graphs are in use than there are places, places change owners only now
  /// and then, because making a skeleton costs more than one use saves.
  func wantsMore() -> Bool {
    state.withLock { state in
      if state.skeletons.count < RecentSkeletons.mostKept { return true }
      state.surplus &+= 1
      return state.surplus % 16 == 0
    }
  }

  func insert(_ skeleton: BodySkeleton) {
    state.withLock { state in
      if state.skeletons.count >= RecentSkeletons.mostKept { state.skeletons.removeFirst() }
      state.skeletons.append(skeleton)
    }
  }
}
