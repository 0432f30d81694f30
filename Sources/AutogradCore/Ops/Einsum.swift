/// `einsum`: sums of products over axes named by letters, made of transposes, products of matrices and sums.
struct EinsumOperation: Operation {
  let reference = OperationReference(
    name: "einsum",
    summary: "Sums of products, in Einstein's notation: axes with the same letter belong together.",
    formula: "\"ij,jk->ik\": z[i, k] = Σⱼ x[i, j] y[j, k]", operands: ["x", "…"], results: ["z"],
    attributes: [
      AttributeReference(
        "equation", .text,
        "a term of letters for each operand, then -> and the letters of the result; letters missing there are summed "
          + "over. ... stands for "
          + "any leading axes, which broadcast. Without -> the result has the letters that occur once, in "
          + "alphabetical order"
      )
    ], dtypes: .numeric,
    shapeRule: "the sizes of the result's letters",
    derivative: "each operand: the einsum of ct with the other operands, its letters being those of the result",
    conventions: [
      "a letter twice in one term takes the diagonal", "the sizes of a letter must agree",
      "integers wrap around on overflow",
      "operands are multiplied two at a time, of up to 10 in the order of the least work whose products stay within "
        + "the limit of axes, of "
        + "more the two whose product is smallest beside them first; 256 are the most",
    ],
    otherNames: ["einstein_sum", "contract"],
    samples: [
      sample("ij,jk->ik", [2, 3], [3, 2]), sample("ij,jk", [2, 3], [3, 2]), sample("ii->i", [3, 3]),
      sample("ii", [3, 3]),
      sample("ij,jk,kl->il", [2, 3], [3, 4], [4, 2]), sample("...ij,...jk->...ik", [2, 3, 2], [2, 2, 3]),
      sample("...i,...i->...", [2, 1, 3], [4, 3]), sample("i,j->ji", [2], [3]), sample("ijij->ji", [2, 3, 2, 3]),
      sample("ij,ij->i", [2, 3], [2, 3]), sample("ij,->j", [2, 3], []), sample("ij,jk->ik", [0, 3], [3, 2]),
    ])

  private static func sample(_ equation: String, _ shapes: Shape...) -> OperationSample {
    OperationSample(shapes, ["equation": .text(equation)])
  }

  func build(_ call: OperationCall) throws(GraphError) -> [Value] {
    let equation = try EinsumEquation(call)
    var factors = call.operands.enumerated().map { EinsumFactor(value: $1, labels: equation.terms[$0]) }
    for index in factors.indices { factors[index].simplify(equation.sizes) }
    guard factors.allSatisfy(\.value.isValid) else { return [call.builder.value(-1)] }
    let labels = EinsumLabels(factors.map(\.labels) + [equation.output])
    let mostAxes = min(Shape.maximumRank, call.builder.maximumRank)
    let path = EinsumPath(
      terms: factors.map { labels.mask($0.labels) }, output: labels.mask(equation.output),
      sizes: labels.all.map { equation.sizes[$0] ?? 1 }, mostAxes: mostAxes)
    guard let steps = path.steps() else {
      throw GraphError(
        .limitExceeded,
        "in every order that was tried of multiplying the operands an intermediate product has more than \(mostAxes) "
          + "axes, the most that "
          + "are allowed: split the equation", limit: .rank(mostAxes), value: mostAxes + 1)
    }
    for step in steps {
      factors.append(try factors[step.left].multiplied(by: factors[step.right], keeping: labels.labels(of: step.kept)))
    }
    guard let result = factors.last else { return [] }
    return [result.summed(keeping: Set(equation.output)).transposed(to: equation.output)]
  }
}

/// Numbers for the labels of an equation, so that sets of them are bits: there are 52 letters and at most 8 axes of an
/// ellipsis.
private struct EinsumLabels {
  let all: [Int]
  private let bits: [Int: UInt64]

  init(_ lists: [[Int]]) {
    all = Set(lists.joined()).sorted()
    bits = Dictionary(uniqueKeysWithValues: all.enumerated().map { ($1, 1 << UInt64($0)) })
  }

  func mask(_ labels: [Int]) -> UInt64 { labels.reduce(0) { $0 | (bits[$1] ?? 0) } }

  func labels(of mask: UInt64) -> Set<Int> {
    Set(all.enumerated().filter { mask >> UInt64($0.offset) & 1 != 0 }.map(\.element))
  }
}

/// An equation taken apart and checked against the operands. A label is a letter's number, or negative for an axis of
/// the ellipsis, counted from its end.
private struct EinsumEquation {
  /// More than anybody writes, and few enough that to look at all of them at every step costs nothing.
  private static let mostOperands = 256

  var terms: [[Int]] = []
  var output: [Int] = []
  var sizes: [Int: Int] = [:]

  init(_ call: OperationCall) throws(GraphError) {
    let text = (call.text("equation") ?? "").filter { $0 != " " }
    let sides = EinsumEquation.split(Substring(text), at: "->")
    guard sides.count <= 2 else { throw EinsumEquation.invalid("\(text) has more than one ->", call) }
    let written = EinsumEquation.split(sides[0], at: ",")
    guard written.count == call.operands.count else {
      throw GraphError(
        .wrongArity,
        "\(text) has \(written.count) term\(written.count == 1 ? "" : "s"), got \(call.operands.count) inputs",
        at: .operands)
    }
    guard written.count <= EinsumEquation.mostOperands else {
      throw GraphError(
        .limitExceeded, "has \(written.count) operands, at most \(EinsumEquation.mostOperands) are allowed",
        at: .operands,
        limit: .work(EinsumEquation.mostOperands), value: written.count)
    }
    var ellipsisRank = 0
    for (index, term) in written.enumerated() {
      let labels = try EinsumEquation.labels(term, of: index, call)
      for label in labels where label < 0 { ellipsisRank = max(ellipsisRank, -label) }
      terms.append(labels)
      try measure(labels, index, call)
    }
    let ellipsis = (0..<ellipsisRank).map { $0 - ellipsisRank }
    output = sides.count == 2 ? try resultLabels(sides[1], ellipsis, call) : impliedLabels(ellipsis)
    guard output.count <= Shape.maximumRank else {
      throw GraphError(
        .limitExceeded, "the result would have \(output.count) axes, at most \(Shape.maximumRank) are allowed",
        limit: .rank(Shape.maximumRank),
        value: output.count)
    }
  }

  private static func split(_ text: Substring, at separator: String) -> [Substring] {
    var parts: [Substring] = []
    var start = text.startIndex
    var position = start
    while position < text.endIndex {
      if text[position...].hasPrefix(separator) {
        parts.append(text[start..<position])
        position = text.index(position, offsetBy: separator.count)
        start = position
      } else {
        position = text.index(after: position)
      }
    }
    return parts + [text[start...]]
  }

  private static func invalid(_ message: String, _ call: OperationCall) -> GraphError {
    call.invalid("equation", message)
  }

  /// The letters of a term and where its ellipsis stands among them.
  private static func letters(_ term: Substring, _ call: OperationCall) throws(GraphError) -> (
    letters: [Int], ellipsis: Int?
  ) {
    var letters: [Int] = []
    var ellipsis: Int?
    var rest = term
    while let character = rest.first {
      if rest.hasPrefix("...") {
        if ellipsis != nil { throw invalid("\(term) has two ellipses", call) }
        ellipsis = letters.count
        rest = rest.dropFirst(3)
      } else {
        guard let code = character.asciiValue, character.isLetter else {
          throw invalid("\(term) holds \"\(character)\"; terms are letters from a to z and A to Z, and ...", call)
        }
        letters.append(Int(code))
        rest = rest.dropFirst()
      }
    }
    return (letters, ellipsis)
  }

  private static func labels(_ term: Substring, of index: Int, _ call: OperationCall) throws(GraphError) -> [Int] {
    let (letters, ellipsis) = try letters(term, call)
    let rank = call.operands[index].shape.rank
    let covered = rank - letters.count
    guard ellipsis == nil ? covered == 0 : covered >= 0 else {
      throw GraphError(
        .shapeMismatch,
        "the term \"\(term)\" is for \(ellipsis == nil ? "" : "at least ")\(letters.count) axes, {\(index)} has shape "
          + "\(call.operands[index].shape)", at: .operand(index))
    }
    guard let ellipsis else { return letters }
    return letters[..<ellipsis] + (0..<covered).map { $0 - covered } + letters[ellipsis...]
  }

  /// Takes note of the sizes of labels; those of an ellipsis broadcast.
  private mutating func measure(_ labels: [Int], _ index: Int, _ call: OperationCall) throws(GraphError) {
    let shape = call.operands[index].shape
    for (axis, label) in labels.enumerated() {
      let known = sizes[label] ?? shape[axis]
      guard known == shape[axis] || (label < 0 && (known == 1 || shape[axis] == 1)) else {
        let name = label < 0 ? "an axis of the ellipsis" : "the letter \(EinsumEquation.name(label))"
        throw GraphError(
          .shapeMismatch, "\(name) has size \(shape[axis]) in {\(index)}, which is \(shape), and \(known) before",
          at: .operand(index))
      }
      sizes[label] = known == 1 ? shape[axis] : known
    }
  }

  private static func name(_ label: Int) -> String { String(UnicodeScalar(UInt8(label))) }

  private func resultLabels(_ term: Substring, _ ellipsis: [Int], _ call: OperationCall) throws(GraphError) -> [Int] {
    let (letters, place) = try EinsumEquation.letters(term, call)
    var seen: Set<Int> = []
    for letter in letters {
      guard sizes[letter] != nil else {
        throw EinsumEquation.invalid(
          "the result's letter \(EinsumEquation.name(letter)) stands in no operand's term", call)
      }
      guard seen.insert(letter).inserted else {
        throw EinsumEquation.invalid("the result has the letter \(EinsumEquation.name(letter)) twice", call)
      }
    }
    if let place { return letters[..<place] + ellipsis + letters[place...] }
    guard ellipsis.isEmpty else {
      throw EinsumEquation.invalid(
        "the result lacks the ... of the operands; to sum over these axes give them letters", call)
    }
    return letters
  }

  /// As NumPy has it: the ellipsis, then what occurs once, in the order of the alphabet.
  private func impliedLabels(_ ellipsis: [Int]) -> [Int] {
    var counts: [Int: Int] = [:]
    for label in terms.joined() { counts[label, default: 0] += 1 }
    return ellipsis + counts.filter { $0.key > 0 && $0.value == 1 }.keys.sorted()
  }
}

/// A value whose axes have labels, each once after `simplify`.
private struct EinsumFactor {
  var value: Value
  var labels: [Int]

  private var builder: GraphBuilder { value.builder }

  /// Takes diagonals for letters that stand twice, and drops axes that only broadcast.
  mutating func simplify(_ sizes: [Int: Int]) {
    guard value.isValid else { return }
    for (axis, label) in labels.enumerated().reversed() where label < 0 && value.shape[axis] == 1 && sizes[label] != 1 {
      var shape = value.shape.array
      shape.remove(at: axis)
      labels.remove(at: axis)
      value = builder.reshape(value, to: Shape(shape))
    }
    while let label = labels.first(where: { label in labels.filter { $0 == label }.count > 1 }) {
      let pair = labels.indices.filter { labels[$0] == label }.prefix(2)
      let others = labels.indices.filter { !pair.contains($0) }
      value = builder.diagonal(builder.transpose(value, Shape(others + pair)), offset: 0)
      labels = others.map { labels[$0] } + [label]
      guard value.isValid else { return }
    }
  }

  /// The sum over all axes whose labels are not kept.
  func summed(keeping kept: Set<Int>) -> EinsumFactor {
    let axes = AxisSet(labels.indices.filter { !kept.contains(labels[$0]) })
    guard value.isValid else { return self }
    return EinsumFactor(value: builder.sum(value, over: axes), labels: labels.filter(kept.contains))
  }

  func transposed(to order: [Int]) -> Value {
    value.isValid ? builder.transpose(value, Shape(order.compactMap { labels.firstIndex(of: $0) })) : value
  }

  /// The product of two factors, summed over the labels that both have and nobody else asks for: one product of (stacks
  /// of) matrices.
  func multiplied(by other: EinsumFactor, keeping needed: Set<Int>) throws(GraphError) -> EinsumFactor {
    let (mine, theirs) = (Set(labels), Set(other.labels))
    let (left, right) = (summed(keeping: needed.union(theirs)), other.summed(keeping: needed.union(mine)))
    guard left.value.isValid, right.value.isValid else { return left.value.isValid ? right : left }
    let shared = left.labels.filter(theirs.contains)
    let (stack, inner) = (shared.filter(needed.contains), shared.filter { !needed.contains($0) })
    let (rows, columns) = (left.labels.filter { !theirs.contains($0) }, right.labels.filter { !mine.contains($0) })
    let result = stack + rows + columns
    let (x, xSizes) = left.grouped([stack, rows, inner])
    let (y, ySizes) = right.grouped([stack, inner, columns])
    let shape = Shape(xSizes[0] + xSizes[1] + ySizes[2])
    try shape.checkSize()
    guard x.isValid, y.isValid else { return EinsumFactor(value: x.isValid ? y : x, labels: result) }
    let product = inner.isEmpty ? x.outerProduct(y) : builder.emit(.matmul, x, y)
    return EinsumFactor(value: builder.reshape(product, to: shape), labels: result)
  }

  /// The value with three groups of labels as its axes, and the sizes within each.
  private func grouped(_ groups: [[Int]]) -> (value: Value, sizes: [[Int]]) {
    let order = groups.joined().compactMap { labels.firstIndex(of: $0) }
    let sizes = groups.map { $0.compactMap { label in labels.firstIndex(of: label).map { value.shape[$0] } } }
    let shape = Shape(sizes.map { $0.reduce(1, *) })
    return (builder.reshape(builder.transpose(value, Shape(order)), to: shape), sizes)
  }
}

extension Value {
  /// A stack of columns times a stack of rows, with no axis to sum over.
  fileprivate func outerProduct(_ row: Value) -> Value {
    let shape: Shape = [self.shape[0], self.shape[1], row.shape[2]]
    return builder.emit(.mul, builder.broadcast(self, to: shape), builder.broadcast(row, to: shape))
  }
}
