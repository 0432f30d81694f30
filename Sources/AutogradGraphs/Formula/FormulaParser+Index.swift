import AutogradCore
import AutogradFormats

/// One item of an index.
struct FormulaIndexItem {
  var kind: Kind
  var place: Int
  var end: Int

  enum Kind {
    case integer(FormulaPiece)
    case slice(start: Int?, end: Int?, step: Int?)
    case newAxis
    /// A name or a list of integers.
    case picked(FormulaPiece)
    case ellipsis
  }
}

/// `x[1:, None, 0]`: one `slice`, then one `expand_dims`, then a `take` for each integer, name or list.
extension FormulaParser {
  mutating func readIndex(of piece: FormulaPiece) throws(FormatError) -> FormulaPiece {
    let open = token.start
    try deepen(at: open)
    try advance()
    var items: [FormulaIndexItem] = []
    repeat {
      if !items.isEmpty { try advance() }
      if token.kind == .end { throw unclosed("[", open) }
      let place = token.start
      items.append(try readItem())
      // Each item is an axis of the operand, or of the result, but for the dots.
      try checkRank(items.count / 2, "the index names more", at: place)
    } while token.kind == .comma
    if token.kind == .end { throw unclosed("[", open) }
    guard token.kind == .closeBracket else { throw unexpectedInIndex(items.last) }
    try advance()
    depth -= 1
    try check(items)
    return try emit(items, of: piece, end: previous.end)
  }

  // MARK: Items

  private mutating func readItem() throws(FormatError) -> FormulaIndexItem {
    let place = token.start
    let kind: FormulaIndexItem.Kind
    switch token.kind {
    case .ellipsis:
      try advance()
      kind = .ellipsis
    case .openBracket: kind = .picked(try readIntegers())
    case .name: kind = try readNamedItem()
    case .number, .minus, .colon: kind = try readIntegerOrSlice()
    case .comma:
      throw bytes.fault(place, "an index is missing: a whole axis is written :, the first column x[:, 0]")
    default: throw unexpected("an index: an integer, a slice such as 1:3, a name or None")
    }
    return FormulaIndexItem(kind: kind, place: place, end: previous.end)
  }

  private mutating func readNamedItem() throws(FormatError) -> FormulaIndexItem.Kind {
    if bytes.isWord("None", token) {
      try advance()
      return .newAxis
    }
    if bytes.isWord("null", token) { throw bytes.fault(token.start, "null is written None in an index") }
    try bytes.refuseReserved(token)
    let place = token.start
    let name = try name(token)
    if try lexer.peek().kind == .openParenthesis { throw computedIndex(place) }
    try advance()
    return .picked(FormulaPiece(.name(name), place..<previous.end))
  }

  private mutating func readIntegers() throws(FormatError) -> FormulaPiece {
    let start = token.start
    let literal = literals.begin()
    try readList(.value)
    let text = bytes.slice(start, previous.end)
    let isOfIntegers = text.allSatisfy { byte in
      byte &- UInt8(ascii: "0") <= 9 || byte <= UInt8(ascii: " ") || "[],-".utf8.contains(byte)
    }
    guard isOfIntegers else { throw bytes.fault(start, "a list as an index holds integers, such as [0, 2]") }
    return FormulaPiece(.list(literal), start..<previous.end)
  }

  private mutating func readIntegerOrSlice() throws(FormatError) -> FormulaIndexItem.Kind {
    let start = token.start
    var bounds: [Int?] = []
    if token.kind == .colon {
      bounds.append(nil)
    } else {
      let (digits, isNegative) = try readBound(&bounds)
      if token.kind != .colon {
        return .integer(FormulaPiece(.number(digits, isNegative: isNegative), start..<previous.end))
      }
    }
    while token.kind == .colon, bounds.count < 3 {
      try advance()
      if token.kind == .minus || token.kind == .number { _ = try readBound(&bounds) } else { bounds.append(nil) }
    }
    if token.kind == .name { throw bytes.fault(token.start, "the bounds of a slice are numbers, known beforehand") }
    return .slice(start: bounds[0], end: bounds[1], step: bounds.count > 2 ? bounds[2] : nil)
  }

  /// An integer with or without a sign.
  private mutating func readBound(_ bounds: inout [Int?]) throws(FormatError) -> (range: Range<Int>, isNegative: Bool) {
    let isNegative = token.kind == .minus
    if isNegative { try advance() }
    guard token.kind == .number else {
      if token.kind == .name { throw computedIndex(token.start) }
      throw unexpected("an integer")
    }
    let value = try integer(token)
    bounds.append(isNegative ? -value : value)
    try advance()
    return (previous.start..<previous.end, isNegative)
  }

  // MARK: Refusals

  private func unexpectedInIndex(_ last: FormulaIndexItem?) -> FormatError {
    guard token.kind.binary != nil else { return unexpected(", or ]") }
    if token.kind.binary?.form.precedence == .comparison, let last {
      let name = bytes.string(last.place, last.end).prefix(40)
      return bytes.fault(
        token.start,
        "an index is no condition, for the shape would depend on numbers; where(\(name) > 0, \(name), 0) keeps it")
    }
    return computedIndex(token.start)
  }

  private func computedIndex(_ place: Int) -> FormatError {
    bytes.fault(place, "an index is a number or a name: compute it first, as in j = i + 1 and x[j], or take(x, i + 1)")
  }

  private func check(_ items: [FormulaIndexItem]) throws(FormatError) {
    var (picked, integers, dots): (Int?, Int?, Int?) = (nil, nil, nil)
    for item in items {
      switch item.kind {
      case .ellipsis:
        if dots != nil { throw bytes.fault(item.place, "... stands once in an index") }
        dots = item.place
      case .picked:
        if picked != nil || integers != nil { throw severalPicked(item.place) }
        picked = item.place
      case .integer:
        if picked != nil { throw severalPicked(item.place) }
        integers = item.place
      case .slice, .newAxis: continue
      }
    }
  }

  private func severalPicked(_ place: Int) -> FormatError {
    bytes.fault(
      place,
      "beside a name or a list no other index picks: languages differ in what m[i, j] means; write m[i][:, j] for the "
        + "table, m[0][i] for a row")
  }

  // MARK: Nodes

  private mutating func emit(_ items: [FormulaIndexItem], of piece: FormulaPiece, end: Int) throws(FormatError)
    -> FormulaPiece
  {
    let dots = items.firstIndex { if case .ellipsis = $0.kind { true } else { false } } ?? items.count
    var result = piece
    func span() -> Range<Int> { piece.span.lowerBound..<end }
    if let cut = try emitSlice(items, dots, result) { result = FormulaPiece(.node(cut), span()) }
    if let wide = try emitNewAxes(items, dots, result) { result = FormulaPiece(.node(wide), span()) }
    var taken = 0
    for (position, item) in items.enumerated() {
      let index: FormulaPiece
      switch item.kind {
      case .integer(let piece), .picked(let piece): index = piece
      case .slice, .newAxis, .ellipsis: continue
      }
      // Each integer before has taken its axis away; behind the dots axes count from the end.
      let axis = position < dots ? position - taken : position - items.count
      let node = try addOperation("take", [result, index], at: item.place, [("axis", "\(axis)")], unless: axis == 0)
      result = FormulaPiece(.node(node), span())
      taken += 1
    }
    if case .node = result.kind { return result }
    return FormulaPiece(result.kind, span())
  }

  private mutating func emitSlice(
    _ items: [FormulaIndexItem], _ dots: Int, _ piece: FormulaPiece
  ) throws(FormatError) -> Int? {
    var (starts, ends, axes, steps): ([String], [String], [String], [String]) = ([], [], [], [])
    var place: Int?
    // Axes of the operand: new ones are not among them.
    var axis = 0
    let behind = items.dropFirst(dots + 1).count { if case .newAxis = $0.kind { false } else { true } }
    for (position, item) in items.enumerated() {
      switch item.kind {
      case .newAxis: continue
      case .ellipsis:
        axis = -behind
        continue
      case .slice(let start, let end, let step) where start != nil || end != nil || step != nil:
        starts.append(start.map(String.init) ?? "null")
        ends.append(end.map(String.init) ?? "null")
        steps.append("\(step ?? 1)")
        axes.append("\(axis)")
        place = place ?? items[position].place
      case .slice, .integer, .picked: break
      }
      axis += 1
    }
    guard let place else { return nil }
    func list(_ entries: [String]) -> String { "[" + entries.joined(separator: ", ") + "]" }
    var attributes = [("starts", list(starts)), ("ends", list(ends))]
    if axes != axes.indices.map(String.init) { attributes.append(("axes", list(axes))) }
    if steps.contains(where: { $0 != "1" }) { attributes.append(("steps", list(steps))) }
    return try addOperation("slice", [piece], at: place, attributes)
  }

  private mutating func emitNewAxes(
    _ items: [FormulaIndexItem], _ dots: Int, _ piece: FormulaPiece
  ) throws(FormatError) -> Int? {
    var axes: [String] = []
    var place: Int?
    for (position, item) in items.enumerated() {
      guard case .newAxis = item.kind else { continue }
      axes.append("\(position < dots ? position : position - items.count)")
      place = place ?? item.place
    }
    guard let place else { return nil }
    let axis = axes.count == 1 ? axes[0] : "[" + axes.joined(separator: ", ") + "]"
    return try addOperation("expand_dims", [piece], at: place, [("axis", axis)])
  }

  /// A node with attributes that are written as JSON.
  private mutating func addOperation(
    _ name: String, _ operands: [FormulaPiece], at place: Int, _ attributes: [(name: String, json: String)],
    unless isDefault: Bool = false
  ) throws(FormatError) -> Int {
    let operation = OpCatalog.operation(named: name) ?? CallOperation.shared
    if isDefault { return try add(operation, operands, at: place) }
    let literal = literals.begin()
    literals.json.append("{" + attributes.map { "\"\($0.name)\": \($0.json)" }.joined(separator: ", ") + "}")
    return try add(operation, operands, attributes: literal, places: attributes.map { ($0.name, place) }, at: place)
  }
}
