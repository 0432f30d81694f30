import AutogradCore

/// Reads nested lists into one tensor, row by row, without recursion. Its stack has one entry per axis.
struct NestedTensorReader {
  private let document: JSONDocument
  private let dtype: DType

  init(_ document: JSONDocument, _ dtype: DType) {
    self.document = document
    self.dtype = dtype
  }

  /// - Parameter shape: the required shape; flat data fits any shape. Nil: the shape of the lists.
  func read(_ value: JSONValue, as shape: Shape?) throws(FormatError) -> Tensor {
    let nested = try nestedShape(of: value)
    let target = shape ?? nested
    try check(value, nested, target)
    let storage = Storage(byteCount: target.elementCount * dtype.byteWidth)
    try fill(value, nested, storage.base)
    return Tensor(TensorType(dtype, target), storage: storage)
  }

  /// Reads into memory that has room for a tensor of the shape.
  func read(_ value: JSONValue, as shape: Shape, into base: UnsafeMutableRawPointer) throws(FormatError) {
    let nested = try nestedShape(of: value)
    try check(value, nested, shape)
    try fill(value, nested, base)
  }

  private func check(_ value: JSONValue, _ nested: Shape, _ target: Shape) throws(FormatError) {
    if nested.rank == 0, value.kind != .number, value.kind != .true, value.kind != .false, value.numberToken == nil {
      throw refusal(value, expected: "a number or a list", at: "")
    }
    if target != nested {
      let isFlat = nested.rank == 1 && nested[0] == target.elementCount
      // Lists end at the first empty axis, whatever sizes follow it.
      let isEmptyPart =
        nested.isEmpty && nested.rank < target.rank && nested == Shape((0..<nested.rank).map { target[$0] })
      guard isFlat || isEmptyPart else {
        throw FormatError(
          .shapeMismatch,
          "shape \(target) needs \(target.elementCount) elements, the data has shape \(nested)", at: "")
      }
    }
  }

  private func fill(_ value: JSONValue, _ nested: Shape, _ base: UnsafeMutableRawPointer) throws(FormatError) {
    if nested.rank == 0 {
      try readElement(value, base, at: "")
    } else {
      try readRows(value, nested, base)
    }
  }

  /// Sizes along the first list of each level.
  private func nestedShape(of whole: JSONValue) throws(FormatError) -> Shape {
    var shape = Shape()
    var value = whole
    while value.kind == .array || value.kind == .numbers {
      guard shape.rank < Shape.maximumRank else {
        throw FormatError(
          .rank, "lists are nested deeper than the maximum of \(Shape.maximumRank) axes", at: "",
          most: Shape.maximumRank, value: shape.rank + 1)
      }
      shape.append(value.count)
      guard value.kind == .array, let first = value.elements.first(where: { _ in true }) else { break }
      value = first
    }
    try checkThatAllFits(shape, in: whole.text.count)
    return shape
  }

  /// The first lists do not determine the others, so a short text could imply a huge tensor. Every number or list takes
  /// at least one byte of text, so a shape with more elements than bytes is rejected before anything is allocated.
  private func checkThatAllFits(_ shape: Shape, in byteCount: Int) throws(FormatError) {
    var count = 1
    for axis in 0..<shape.rank {
      let (next, overflow) = count.multipliedReportingOverflow(by: max(shape[axis], 1))
      guard !overflow, next <= max(byteCount, 1) else {
        throw FormatError(
          .raggedArray, "rows differ in length: the first lists imply shape \(shape), the others hold less", at: "")
      }
      count = next
    }
  }

  // MARK: Rows

  private func readRows(_ value: JSONValue, _ shape: Shape, _ base: UnsafeMutableRawPointer) throws(FormatError) {
    let rowLength = shape[shape.rank - 1]
    let rowBytes = rowLength * dtype.byteWidth
    var into = base
    /// Lists that are open, each with the index of the element being read.
    var open = InlineArray<8, (elements: JSONElements, index: Int)>(repeating: (value.elements, -1))
    var depth = 0

    var current = value
    while true {
      let size = shape[depth]
      guard current.kind == .array || current.kind == .numbers else {
        throw refusal(current, expected: "a list of \(size)", at: Self.pointer(open, depth))
      }
      let isRow = depth == shape.rank - 1
      guard current.count == size, isRow || current.kind == .array || size == 0 else {
        let got =
          current.count == size
          ? "rows differ in depth: expected lists, got a list of numbers"
          : "rows differ in length: expected \(size) elements, got \(current.count)"
        throw FormatError(.raggedArray, got, at: Self.pointer(open, depth))
      }
      if isRow {
        do throws(FormatError) {
          try readRow(current, into)
        } catch {
          throw error.under(Self.pointer(open, depth))
        }
        into += rowBytes
      } else if depth == shape.rank - 2, let rows = current.numberRows(of: rowLength), readArena(rows, into) {
        into += size * rowBytes
      } else {
        // Not beyond the last: the rank is at most ``Shape/maximumRank``.
        open[depth] = (current.elements, -1)
        depth += 1
      }
      // On to the next element of the innermost list that has one.
      while depth > 0 {
        if let next = open[depth - 1].elements.next() {
          open[depth - 1].index += 1
          current = next
          break
        }
        depth -= 1
      }
      if depth == 0 { return }
    }
  }

  /// The place of the element that is read in the lists that are open.
  private static func pointer(_ open: InlineArray<8, (elements: JSONElements, index: Int)>, _ depth: Int) -> String {
    (0..<depth).map { "/\(open[$0].index)" }.joined()
  }

  private func readRow(_ row: JSONValue, _ base: UnsafeMutableRawPointer) throws(FormatError) {
    if row.kind == .numbers {
      if readArena(row.numberRow, base) { return }
      let values = row.numbers
      for (index, token) in row.numberTokens.enumerated() {
        // A float32 is decided where it stands already.
        if dtype == .float32, FloatRounding.isDecided(values[index]) { continue }
        try readNumber(token, base + index * dtype.byteWidth) { "/\(index)" }
      }
      return
    }
    for (index, element) in row.elements.enumerated() {
      try readElement(element, base + index * dtype.byteWidth, at: "/\(index)")
    }
  }

  /// Stores numbers that the parser has decoded; false if the text of some must be read again. Then float32 values that
  /// are decided are in place; for other dtypes the memory is undefined.
  private func readArena(_ row: NumberRow, _ base: UnsafeMutableRawPointer) -> Bool {
    let values = row.values
    switch dtype {
    case .float64 where !row.flags.contains(.overflow):
      if let start = values.baseAddress { base.copyMemory(from: start, byteCount: values.count * 8) }
      return true
    case .float32:
      // Integers up to 2^53 are exact as doubles, so that even a middle is rounded once.
      return FloatRounding.narrow(values, to: base) || !row.flags.contains(.notInteger)
    case .int64 where !row.flags.contains(.notInteger):
      let integers = base.assumingMemoryBound(to: Int64.self)
      // Integers of magnitude up to 2^53 (and not -0), which is what the flag says.
      for index in 0..<values.count { integers[index] = Int64(values[index]) }
      return true
    case .int32 where !row.flags.contains(.notInteger):
      let integers = base.assumingMemoryBound(to: Int32.self)
      var fits = true
      for index in 0..<values.count {
        let value = Int64(values[index])
        integers[index] = Int32(truncatingIfNeeded: value)
        fits = value == Int64(Int32(truncatingIfNeeded: value)) && fits
      }
      return fits
    default: return false
    }
  }

  // MARK: Elements

  private func readElement(_ element: JSONValue, _ base: UnsafeMutableRawPointer, at pointer: @autoclosure () -> String)
    throws(FormatError)
  {
    switch element.kind {
    case .true where dtype == .bool: base.storeBytes(of: 1, as: UInt8.self)
    case .false where dtype == .bool: base.storeBytes(of: 0, as: UInt8.self)
    case .number, .string:
      guard let token = element.numberToken else { throw refusal(element, expected: "a number", at: pointer()) }
      try readNumber(token, base) { pointer() }
    default: throw refusal(element, expected: dtype == .bool ? "true or false" : "a number", at: pointer())
    }
  }

  private func readNumber(_ token: NumberToken, _ base: UnsafeMutableRawPointer, at pointer: () -> String)
    throws(FormatError)
  {
    func outOfRange(_ why: String) -> FormatError {
      FormatError(.numberOutOfRange, "\(String(decoding: token.text.prefix(40), as: UTF8.self)) \(why)", at: pointer())
    }
    switch dtype {
    case .float64:
      let (value, overflow) = token.double()
      if overflow { throw outOfRange("is beyond the largest float64") }
      base.storeBytes(of: value, as: Double.self)
    case .float32:
      let (value, overflow) = token.float()
      if overflow { throw outOfRange("is beyond the largest float32") }
      base.storeBytes(of: value, as: Float.self)
    case .int64, .int32:
      if token.isNonFiniteText { throw outOfRange("is no \(dtype)") }
      switch token.int64() {
      case .fraction: throw outOfRange("is not an integer; the tensor is \(dtype)")
      case .outOfRange: throw outOfRange("does not fit \(dtype)")
      case .value(let value):
        if dtype == .int64 {
          base.storeBytes(of: value, as: Int64.self)
        } else if let narrow = Int32(exactly: value) {
          base.storeBytes(of: narrow, as: Int32.self)
        } else {
          throw outOfRange("does not fit int32")
        }
      }
    case .bool:
      throw FormatError(
        .wrongType, "a bool tensor holds true and false, got \(String(decoding: token.text.prefix(40), as: UTF8.self))",
        at: pointer())
    }
  }

  /// A list among numbers or a number among lists is ragged; everything else is of the wrong kind.
  private func refusal(_ value: JSONValue, expected: String, at pointer: String) -> FormatError {
    switch value.kind {
    case .array, .numbers:
      return FormatError(.raggedArray, "rows differ in depth: expected \(expected), got a list", at: pointer)
    case .number where expected.hasPrefix("a list"):
      return FormatError(.raggedArray, "rows differ in depth: expected \(expected), got a number", at: pointer)
    case .null:
      return FormatError(
        .wrongType, "null is not a number; write \"NaN\", \"Infinity\" or \"-Infinity\"",
        at: pointer)
    case .string:
      let text = value.string
      let hint =
        Double(text)?.isFinite ?? false
        ? "write \(text.prefix(40)) without quotes"
        : "the only strings allowed are \"NaN\", \"Infinity\" and \"-Infinity\""
      return FormatError(.wrongType, "\(value.brief) is text, not a number; \(hint)", at: pointer)
    case .true, .false:
      return FormatError(
        .wrongType, "expected \(expected), got \(value.describe); the tensor is \(dtype)", at: pointer)
    default: return FormatError(.wrongType, "expected \(expected), got \(value.describe)", at: pointer)
    }
  }
}
