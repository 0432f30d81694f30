import AutogradCore
import AutogradFormats

/// How a node is written.
enum PrintedForm {
  /// `f(x, axis=0)`
  case call
  case binary(FormulaOperator)
  case prefix(FormulaOperator)
  /// `x.T`
  case transposed
  /// `x[…]`: what stands in the brackets; nil stands for the node's second operand, a name.
  case index([PrintedItem])
  /// `y = x`, `y = 3`
  case assigned

  /// How tightly it binds. A call binds as tightly as a name does.
  var precedence: Int {
    switch self {
    case .binary(let symbol), .prefix(let symbol): symbol.precedence.rawValue
    case .call, .transposed, .index, .assigned: PrintedForm.tightest
    }
  }

  var isComparison: Bool {
    if case .binary(let symbol) = self { symbol.precedence == .comparison } else { false }
  }

  static let tightest = FormulaOperator.Precedence.postfix.rawValue + 1

  /// How tightly an operand must bind to need no parentheses.
  func required(at position: Int) -> Int {
    switch self {
    case .call, .assigned: return 0
    case .prefix(let symbol): return symbol.precedence.rawValue
    case .transposed, .index: return FormulaOperator.Precedence.postfix.rawValue
    case .binary(let symbol):
      let own = symbol.precedence.rawValue
      switch symbol.associativity {
      case .left: return position == 0 ? own : own + 1
      case .none: return own + 1
      // A sign may stand right of a power.
      case .right: return position == 0 ? own + 1 : FormulaOperator.Precedence.sign.rawValue
      }
    }
  }

  /// Whether something is open round an operand even without parentheses: a bracket, a sign, a power.
  func isOpen(at position: Int) -> Bool {
    switch self {
    case .call, .prefix: true
    case .binary(let symbol): symbol.associativity == .right && position == 1
    case .transposed, .index, .assigned: false
    }
  }
}

/// What stands in an index, between commas.
enum PrintedItem {
  /// `:`
  case all
  /// `1:`, `:-1`, `::2`
  case slice(start: Int?, end: Int?, step: Int)
  /// `...`
  case ellipsis
  /// `None`
  case new
  /// The second operand of `take`.
  case operand
}

/// Finds the form of each node.
struct PrintedForms {
  let resolved: ResolvedSource
  /// Operands that are lists of numbers, as they are written.
  let literals: [Int: ByteBuffer]

  private static let binary: [String: FormulaOperator] = Dictionary(
    uniqueKeysWithValues: FormulaOperator.binary.map { ("\($0.operation)", $0) })
  private static let prefix: [String: FormulaOperator] = Dictionary(
    uniqueKeysWithValues: FormulaOperator.prefix.map { ("\($0.operation)", $0) })

  init(_ resolved: ResolvedSource, _ literals: [Int: ByteBuffer]) {
    self.resolved = resolved
    self.literals = literals
  }

  func form(of index: Int, in layout: PrintedLayout) -> PrintedForm {
    let node = resolved.source.nodes[index]
    let name = node.operation.reference.name
    guard node.role == .ordinary, node.results.count == 1 else { return .call }
    let attributes = LiteralWriter.telling(node, in: resolved.source)
    let first = node.operands.lowerBound
    switch name {
    case "identity":
      guard attributes.isEmpty, node.operands.count == 1, !layout.isInPlace(node.results.lowerBound),
        case .name = resolved.source.operands[first], inPlace(first, in: layout) == nil
      else { return .call }
      return .assigned
    case "constant":
      guard attributes.count == 1, node.operands.isEmpty, !layout.isInPlace(node.results.lowerBound),
        case .tensor = attributes[0].value
      else { return .call }
      return .assigned
    case "slice", "take", "expand_dims":
      guard !node.operands.isEmpty, !isNumber(first), let items = items(of: index, attributes, in: layout) else {
        return .call
      }
      return .index(items)
    default: break
    }
    guard attributes.isEmpty else { return .call }
    if node.operands.count == 2, let symbol = PrintedForms.binary[name] { return .binary(symbol) }
    guard node.operands.count == 1, !isNumber(first) else { return .call }
    if name == "transpose" { return .transposed }
    return PrintedForms.prefix[name].map { .prefix($0) } ?? .call
  }

  // MARK: Operands

  /// The node of an operand that is written in place; nil for anything else.
  func inPlace(_ operand: Int, in layout: PrintedLayout) -> Int? {
    guard let result = resolved.result(operand, in: layout.body), layout.isInPlace(result) else { return nil }
    return Int(resolved.producers[result])
  }

  /// Whether an operand is a number: signs before it and brackets behind it would be part of it, or refused.
  private func isNumber(_ operand: Int) -> Bool {
    switch resolved.source.operands[operand] {
    case .number: true
    case .truth, .name, .tensor: false
    case .literal: literals[operand]?.bytes.first != UInt8(ascii: "[")
    }
  }

  private func isNegativeNumber(_ operand: Int) -> Bool {
    switch resolved.source.operands[operand] {
    case .number(let number):
      let double = resolved.source.numbers[number].double
      return double.sign == .minus && !double.isNaN
    case .literal: return literals[operand]?.bytes.first == UInt8(ascii: "-")
    case .truth, .name, .tensor: return false
    }
  }

  /// Whether an operand is written in parentheses.
  func isBracketed(_ operand: Int, of node: Int, _ form: PrintedForm, in layout: PrintedLayout) -> Bool {
    let required = form.required(at: operand - resolved.source.nodes[node].operands.lowerBound)
    guard let inner = inPlace(operand, in: layout) else {
      return isNegativeNumber(operand) && FormulaOperator.Precedence.sign.rawValue < required
    }
    let own = self.form(of: inner, in: layout)
    // Python binds & tighter than comparisons, so these are always in parentheses beside it.
    if own.isComparison, case .binary(let symbol) = form, symbol.precedence <= .and { return true }
    return own.precedence < required
  }

  /// How many brackets and signs a node opens round an operand.
  func opens(_ operand: Int, of node: Int, in layout: PrintedLayout) -> Int {
    let form = form(of: node, in: layout)
    let isOpen = form.isOpen(at: operand - resolved.source.nodes[node].operands.lowerBound)
    return (isOpen ? 1 : 0) + (isBracketed(operand, of: node, form, in: layout) ? 1 : 0)
  }
}

// MARK: Indices

extension PrintedForms {
  /// What stands in the brackets; nil if an index would not say the same.
  private func items(of index: Int, _ attributes: [LiteralWriter.Attribute], in layout: PrintedLayout) -> [PrintedItem]?
  {
    let node = resolved.source.nodes[index]
    let given = Dictionary(uniqueKeysWithValues: attributes.map { ($0.name, $0.value) })
    switch (node.operation.reference.name, node.operands.count) {
    case ("slice", 1): return sliceItems(given)
    case ("expand_dims", 1):
      guard given.count == 1, let axes = axes(given["axis"]), !axes.isEmpty else { return nil }
      return placed(axes.map { ($0, .new) })
    case ("take", 2):
      guard given["axis"] != nil || given.isEmpty, given.count <= 1, isIndex(node.operands.upperBound - 1, in: layout)
      else { return nil }
      guard let axes = axes(given["axis"] ?? .integer(0)), axes.count == 1 else { return nil }
      return placed([(axes[0], .operand)])
    default: return nil
    }
  }

  private func axes(_ value: AttributeValue?) -> [Int]? {
    switch value {
    case .integer(let axis)?: [axis]
    case .integers(let list)? where !list.contains(nil): list.compactMap { $0 }
    default: nil
    }
  }

  private func sliceItems(_ given: [String: AttributeValue]) -> [PrintedItem]? {
    guard given.keys.allSatisfy({ ["starts", "ends", "axes", "steps"].contains($0) }),
      case .integers(let starts)? = given["starts"], case .integers(let ends)? = given["ends"],
      starts.count == ends.count, !starts.isEmpty,
      let axes = given["axes"] == nil ? Array(starts.indices) : axes(given["axes"]),
      let steps = given["steps"] == nil ? starts.map({ _ in 1 }) : self.axes(given["steps"]),
      axes.count == starts.count, steps.count == starts.count, !steps.contains(0)
    else { return nil }
    // A bound is a sign and an integer, and the integer below the least is none.
    guard !starts.contains(Int.min), !ends.contains(Int.min), !steps.contains(Int.min) else { return nil }
    // What cuts nothing would make no node.
    guard starts.indices.allSatisfy({ starts[$0] != nil || ends[$0] != nil || steps[$0] != 1 }) else { return nil }
    return placed(
      starts.indices.map { (axes[$0], .slice(start: starts[$0], end: ends[$0], step: steps[$0])) })
  }

  /// Items at their axes; those of negative axes behind `...`. Nil if two are at one axis, or an axis cannot exist.
  private func placed(_ given: [(axis: Int, item: PrintedItem)]) -> [PrintedItem]? {
    var front: [PrintedItem?] = []
    var back: [PrintedItem?] = []
    for (axis, item) in given {
      guard -Shape.maximumRank..<Shape.maximumRank ~= axis else { return nil }
      let place = axis < 0 ? -1 - axis : axis
      let isFree =
        axis < 0 ? PrintedForms.put(item, at: place, in: &back) : PrintedForms.put(item, at: place, in: &front)
      guard isFree else { return nil }
    }
    let items = front.map { $0 ?? .all }
    return back.isEmpty ? items : items + [.ellipsis] + back.reversed().map { $0 ?? .all }
  }

  private static func put(_ item: PrintedItem, at place: Int, in items: inout [PrintedItem?]) -> Bool {
    while items.count <= place { items.append(nil) }
    guard items[place] == nil else { return false }
    items[place] = item
    return true
  }

  /// Whether an operand may stand in an index as it is: an integer, a name, or a list of integers.
  private func isIndex(_ operand: Int, in layout: PrintedLayout) -> Bool {
    switch resolved.source.operands[operand] {
    case .name: return inPlace(operand, in: layout) == nil
    case .number(let number):
      let number = resolved.source.numbers[number]
      return number.integer != nil && !(number.integer == 0 && number.double.sign == .minus)
    case .literal:
      guard let text = literals[operand]?.bytes, text.count > 2, text.first == UInt8(ascii: "[") else { return false }
      let inside = text.dropFirst().dropLast()
      let isPlain = inside.allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 || " ,-".utf8.contains($0) }
      return isPlain && !inside.isEmpty
    case .truth, .tensor: return false
    }
  }
}
