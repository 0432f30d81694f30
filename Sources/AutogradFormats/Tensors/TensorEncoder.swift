import AutogradCore

/// Writes tensors into answers.
package struct TensorEncoder {
  /// The request's `encoding`.
  package enum Form: String, CaseIterable {
    /// `{"dtype", "shape", "data"}` with nested data: what is answered unless asked otherwise.
    case nested
    /// The same with one flat list.
    case flat
    /// The same with the bytes as base64.
    case base64
    /// Bare nested numbers.
    case values
  }

  let form: Form

  package init(form: Form) { self.form = form }

  /// Numbers between two checks of the interruption: some milliseconds.
  private static let longestPiece = 65_536

  /// Maximum size of the data of a tensor as text, including the extra room that the writer reserves. Saturates.
  package func byteLimit(_ type: TensorType) -> Int {
    let shape = type.shape
    switch form {
    case .base64: return Size.sum(type.byteCount, type.byteCount / 3 + 4)
    case .flat:
      return Size.sum(
        Size.product(type.elementCount, TensorEncoder.width(of: type.dtype)), TensorEncoder.slack(type.elementCount))
    case .nested, .values:
      // A list is written with two brackets, and a comma and a space behind it; those on the last axis before an empty
      // one are all there is.
      var (lists, total, axis) = (1, 4, 0)
      while axis < shape.rank, shape[axis] > 0 {
        lists = Size.product(lists, shape[axis])
        if axis < shape.rank - 1 { total = Size.sum(total, Size.product(lists, 4)) }
        axis += 1
      }
      let elements = axis == shape.rank ? Size.product(lists, TensorEncoder.width(of: type.dtype)) : 0
      return Size.sum(Size.sum(total, elements), TensorEncoder.slack(axis > 0 ? shape[axis - 1] : 1))
    }
  }

  /// Bytes of the longest number, with the comma and the space after it.
  private static func width(of dtype: DType) -> Int {
    switch dtype {
    case .float64, .int64: 27
    case .float32: 18
    case .int32: 13
    case .bool: 7
    }
  }

  /// Extra room that the writer reserves for a row of this many numbers.
  private static func slack(_ row: Int) -> Int { min(row, rowPiece) * (NumberWriter.room + 2) + 2 * Shape.maximumRank }

  /// Numbers for which room is reserved at once.
  private static let rowPiece = 64

  package func append(_ tensor: Tensor, to json: ByteBuffer) {
    appendHead(tensor.type, to: json)
    tensor.withUnsafeBytes { bytes in
      if let start = bytes.baseAddress { appendData(tensor.type, start, to: json, nil) }
    }
    appendTail(to: json)
  }

  /// Appends the text before the data.
  package func appendHead(_ type: TensorType, to json: ByteBuffer) {
    if form == .values { return }
    json.append("{\"dtype\": \"\(type.dtype.name)\", \"shape\": [")
    for axis in 0..<type.shape.rank {
      if axis > 0 { json.append(", ") }
      json.append(int: Int64(type.shape[axis]))
    }
    json.append(form == .base64 ? "], \"encoding\": \"base64\", \"data\": \"" : "], \"data\": ")
  }

  /// Appends the text after the data.
  package func appendTail(to json: ByteBuffer) {
    switch form {
    case .values: break
    case .base64: json.append("\"}")
    case .nested, .flat: json.append("}")
    }
  }

  /// The elements, row-major from `base`. Once interrupted it ends soon, with incomplete output.
  package func appendData(
    _ type: TensorType, _ base: UnsafeRawPointer, to json: ByteBuffer, _ interruption: Interruption?
  ) {
    var progress = Progress()
    appendData(&progress, type, base, to: json, until: .max, interruption)
  }

  /// How far the data of a tensor have been written.
  package struct Progress {
    /// Elements, or bytes where bytes are written.
    fileprivate var done = 0
    /// Where nested lists were left; nil before the first and where they were written in one go.
    fileprivate var paused: PausedRows?
    package fileprivate(set) var isAtEnd = false

    package init() {}

    /// The bytes of the elements themselves, as ``TensorEncoder/appendData(_:_:_:to:until:_:)`` writes text.
    package mutating func appendBytes(
      _ type: TensorType, _ base: UnsafeRawPointer, to buffer: ByteBuffer, until byteCount: Int
    ) {
      let count = min(type.byteCount - done, max(byteCount - buffer.count, 0))
      buffer.append(UnsafeRawBufferPointer(start: base + done, count: count))
      done += count
      isAtEnd = done == type.byteCount
    }
  }

  /// Continues from `progress` until the buffer holds that many bytes (at most some hundred more), or the data end.
  package func appendData(
    _ progress: inout Progress, _ type: TensorType, _ base: UnsafeRawPointer, to json: ByteBuffer, until byteCount: Int,
    _ interruption: Interruption?
  ) {
    switch form {
    case .nested, .values: appendNested(&progress, type, base, to: json, until: byteCount, interruption)
    case .base64:
      appendBase64(
        &progress, UnsafeRawBufferPointer(start: base, count: type.byteCount), to: json, until: byteCount, interruption)
    case .flat:
      let list = TensorType(type.dtype, [type.elementCount])
      appendNested(&progress, list, base, to: json, until: byteCount, interruption)
    }
  }

  private func appendBase64(
    _ progress: inout Progress, _ bytes: UnsafeRawBufferPointer, to json: ByteBuffer, until byteCount: Int,
    _ interruption: Interruption?
  ) {
    while progress.done < bytes.count, json.count < byteCount, !(interruption?.isInterrupted ?? false) {
      // Three bytes are four characters: only the last piece is padded.
      let piece = 3 * min(8 * TensorEncoder.longestPiece, max((byteCount - json.count) / 4, 1))
      let end = min(progress.done + piece, bytes.count)
      Base64.append(UnsafeRawBufferPointer(rebasing: bytes[progress.done..<end]), to: json)
      progress.done = end
    }
    progress.isAtEnd = progress.done >= bytes.count
  }

  private func appendNested(
    _ progress: inout Progress, _ type: TensorType, _ base: UnsafeRawPointer, to json: ByteBuffer,
    until byteCount: Int, _ interruption: Interruption?
  ) {
    let shape = type.shape
    if shape.isEmpty { return appendEmpty(&progress, shape, to: json, until: byteCount, interruption) }
    switch type.dtype {
    case .float64:
      appendElements(&progress, base, shape, json, byteCount, interruption) { (writer, x: Double, out) in
        writer.write(x, to: out)
      }
    case .float32:
      appendElements(&progress, base, shape, json, byteCount, interruption) { (writer, x: Float, out) in
        writer.write(x, to: out)
      }
    case .int64:
      appendElements(&progress, base, shape, json, byteCount, interruption) { (writer, x: Int64, out) in
        writer.write(x, to: out)
      }
    case .int32:
      appendElements(&progress, base, shape, json, byteCount, interruption) { (writer, x: Int32, out) in
        writer.write(Int64(x), to: out)
      }
    case .bool:
      appendElements(&progress, base, shape, json, byteCount, interruption) { (writer, x: Bool, out) in
        writer.write(x, to: out)
      }
    }
  }

  /// Lists down to the first empty axis.
  private func appendEmpty(
    _ progress: inout Progress, _ shape: Shape, to json: ByteBuffer, until byteCount: Int,
    _ interruption: Interruption?
  ) {
    var depth = 0
    while shape[depth] != 0 { depth += 1 }
    // [2, 3, 0] is two lists of three empty lists. Their number is bounded: the admission of plans counts empty rows
    // too.
    let lists = Shape((0..<depth).map { shape[$0] })
    appendLists(&progress, lists, to: json, until: byteCount, interruption) { _, out in
      UnsafeMutableRawPointer(out).storeBytes(of: 0x5D5B, as: UInt16.self)  // "[]"
      return 2
    }
  }

  @inline(__always)
  private func appendElements<E: TensorElement>(
    _ progress: inout Progress, _ base: UnsafeRawPointer, _ shape: Shape, _ json: ByteBuffer, _ byteCount: Int,
    _ interruption: Interruption?, _ write: (NumberWriter, E, UnsafeMutablePointer<UInt8>) -> Int
  ) {
    let writer = NumberWriter()
    let elements = base.assumingMemoryBound(to: E.self)
    appendLists(&progress, shape, to: json, until: byteCount, interruption) { index, out in
      write(writer, elements[index], out)
    }
  }

  /// Writes nested lists. `write` writes the element of an index in at most ``NumberWriter/room`` bytes and returns how
  /// many.
  ///
  /// Room is reserved for a row at a time, or for a part of a long row. It may stop between two of these.
  @inline(__always)
  private func appendLists(
    _ progress: inout Progress, _ shape: Shape, to json: ByteBuffer, until byteCount: Int,
    _ interruption: Interruption?, _ write: (Int, UnsafeMutablePointer<UInt8>) -> Int
  ) {
    var index = progress.done
    var rows: RowCounter
    if let paused = progress.paused {
      rows = paused.rows
    } else {
      rows = RowCounter(shape)
      json.commit(RowCounter.write(shape.rank, UInt8(ascii: "["), to: json.reserve(Shape.maximumRank)))
    }
    var nextLook = index
    while !rows.isAtEnd, json.count < byteCount {
      if index >= nextLook {
        if interruption?.isInterrupted ?? false { break }
        nextLook = index + TensorEncoder.longestPiece
      }
      let rowEnd = rows.rowEnd
      let blockEnd = min(rowEnd, index + TensorEncoder.rowPiece)
      // The brackets of a row's end, and a comma between them, take the place of the last comma and this much more.
      let brackets = 2 * Shape.maximumRank
      let start = json.reserve((blockEnd - index) * (NumberWriter.room + 2) + brackets)
      var out = start
      while index < blockEnd {
        out += write(index, out)
        out += RowCounter.writeComma(to: out)
        index &+= 1
      }
      if index == rowEnd { out = rows.writeEnd(to: out - 2) }
      json.commit(out - start)
    }
    progress.done = index
    progress.isAtEnd = rows.isAtEnd
    if !rows.isAtEnd { progress.paused = PausedRows(rows) }
  }
}

/// An object, for what most tensors never need.
fileprivate final class PausedRows {
  let rows: RowCounter
  init(_ rows: RowCounter) { self.rows = rows }
}

/// Counts through the rows of nested lists, to know how many lists end with each.
fileprivate struct RowCounter {
  private let shape: Shape
  /// For each axis, the number of complete lists in the open list.
  private var complete = InlineArray<8, Int>(repeating: 0)
  /// The first element after the open row.
  private(set) var rowEnd: Int
  private(set) var isAtEnd = false

  /// - Parameter shape: without an empty axis.
  init(_ shape: Shape) {
    self.shape = shape
    rowEnd = shape.last ?? 1
  }

  /// After a row: closes the lists that end with it, and opens as many if another row follows.
  @inline(__always)
  mutating func writeEnd(to start: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
    var axis = shape.rank - 2
    while axis >= 0 {
      complete[axis] += 1
      if complete[axis] < shape[axis] { break }
      complete[axis] = 0
      axis -= 1
    }
    let ended = shape.rank - 1 - max(axis, -1)
    isAtEnd = axis < 0
    rowEnd += shape.last ?? 1
    var out = start + Self.write(ended, UInt8(ascii: "]"), to: start)
    if !isAtEnd {
      out += Self.writeComma(to: out)
      out += Self.write(ended, UInt8(ascii: "["), to: out)
    }
    return out
  }

  /// `, `
  @inline(__always)
  static func writeComma(to out: UnsafeMutablePointer<UInt8>) -> Int {
    UnsafeMutableRawPointer(out).storeBytes(of: 0x202C, as: UInt16.self)
    return 2
  }

  @inline(__always)
  static func write(_ count: Int, _ bracket: UInt8, to out: UnsafeMutablePointer<UInt8>) -> Int {
    for index in 0..<count { out[index] = bracket }
    return count
  }
}
