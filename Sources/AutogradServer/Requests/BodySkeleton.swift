import AutogradCore
import AutogradFormats
import AutogradHTTP
import Glibc

/// The text of a request that was answered, without the numbers of its tensors, and where in the memory of a run these
/// go.
///
/// A body that has the same text around its numbers is the same request with other numbers: the same JSON, keys, graph
/// and shapes, so it has the same plan and is refused by nothing but its numbers. These are read by the grammar and
/// with the roundings that the parser and ``NestedTensorReader`` have, straight to where the plan wants them; neither a
/// document nor a key is made. At the first byte that differs and the first number that is not read at once,
/// ``read(_:into:)`` says no, and the request takes the long way.
///
/// It earns its place: without it a tiny request takes 20 to 25% more of the processor, and a fifth fewer are answered.
final class BodySkeleton: Sendable {
  /// Longer bodies are more numbers than text, and gain nothing.
  private static let longest = 16 << 10
  /// Plans are kept alive by their skeletons beside the cache; large ones are not.
  private static let largestPlan = 1 << 20

  let endpoint: Endpoint
  let plan: PreparedPlan
  let graphDigest: String
  /// All text between numbers, end to end.
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
  ///   - body: was read as JSON and answered by the plan, with these tensors.
  /// - Returns: nil for what is not worth it or not to be had: tensors other than lists of numbers, or within the
  ///   graph, whose digest they change.
  init?(
    _ endpoint: Endpoint, _ body: UnsafeRawBufferPointer, _ document: JSONDocument, _ tensors: [TensorSource],
    _ plan: PreparedPlan
  ) {
    guard body.count <= BodySkeleton.longest, plan.byteCount <= BodySkeleton.largestPlan,
      plan.sources.count == tensors.count,
      Set(plan.sources).count == tensors.count, let graph = document.root["graph"]?.text
    else { return nil }
    var builder = Builder(body: body, graph: graph)
    let inputs = zip(plan.plan.inputTypes, plan.layout.inputs)
    let spans = zip(plan.sources, inputs).sorted { $0.0 < $1.0 }.map {
      Span(source: tensors[$0], type: $1.0, place: $1.1)
    }
    // In the order of the body, which need not be that of the key.
    for span in spans.sorted(by: { $0.start < $1.start }) where !builder.append(span) { return nil }
    builder.finish()
    self.endpoint = endpoint
    self.plan = plan
    graphDigest = GraphDigest.text(graph)
    text = builder.text
    holes = builder.holes
  }

  /// The numbers of a body by themselves, for a run that has to wait: blocks are too large to be held meanwhile. Nil if
  /// it is not this text with other numbers.
  func numbers(of body: UnsafeRawBufferPointer) -> RunMemory? {
    let numbers = RunMemory()
    // As if they were at the end of a block.
    let start =
      numbers.block(of: plan.layout.byteCount - plan.layout.byteCountWithoutInputs) - plan.layout.byteCountWithoutInputs
    return read(body, into: start) ? numbers : nil
  }

  func place(_ numbers: RunMemory, in block: UnsafeMutableRawPointer) {
    let size = plan.layout.byteCount - plan.layout.byteCountWithoutInputs
    memcpy(block + plan.layout.byteCountWithoutInputs, numbers.block(of: size), size)
  }

  /// Writes the numbers of a body into a block for the plan. False, with anything written, if it is not this text with
  /// other numbers.
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

  /// Whether a body starts as this text does, up to the first number.
  func begins(_ body: UnsafeRawBufferPointer) -> Bool {
    let length = holes.first?.textEnd ?? text.count
    guard body.count >= length, let start = body.baseAddress else { return false }
    return memcmp(start, text.base, length) == 0
  }

  /// The data of a tensor in the body.
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
    let graph: UnsafeRawBufferPointer
    let text = ByteBuffer()
    var holes: [Hole] = []
    /// How far the body has been taken in.
    var position = 0

    mutating func append(_ span: Span) -> Bool {
      guard let data = span.text, let base = body.baseAddress, let start = data.baseAddress,
        let graphStart = graph.baseAddress,
        start < graphStart || start >= graphStart + graph.count
      else { return false }
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
          // Brackets, commas and space. True and false, or the strings that stand for numbers, are not text of every
          // such body.
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
    /// How many came while all places were taken.
    var surplus = 0
  }

  private let state = Locked(State())

  var all: [BodySkeleton] { state.withLock { $0.skeletons } }

  /// Whether one more is wanted. Where more graphs are in use than there are places, each place changes its owner now
  /// and then only, for making a skeleton costs more than it saves once.
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
