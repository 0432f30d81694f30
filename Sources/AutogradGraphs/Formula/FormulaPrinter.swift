import AutogradCore
import AutogradFormats

/// Prints a graph as a formula in its canonical form: what is printed is read back to the same graph, and printed again
/// to the same text. There is no line end behind the last line.
///
/// It takes time linear in the size of the graph and does not recurse.
package struct FormulaPrinter {
  private let resolved: ResolvedSource
  private let forms: PrintedForms
  let literals: LiteralWriter
  let out = ByteBuffer()
  /// Names for values that have none, by result.
  private var temporaries: [Int: String] = [:]
  /// Names of functions, by body.
  private var functionNames: [Int: SourceName] = [:]
  /// Holds the bytes of names of functions that are not those of the source.
  private var names = NameArena()

  /// - Parameters:
  ///   - defaultDType: the dtype that numbers without one have: the request's.
  /// - Throws: what is wrong with names, calls and numbers, at the places of the source.
  package static func print(_ source: GraphSource, _ text: any SourceText, defaultDType: DType = .float64)
    throws(FormatError) -> ByteBuffer
  {
    var printer = try FormulaPrinter(try ResolvedSource(source, text), defaultDType: defaultDType)
    try printer.printGraph()
    return printer.out
  }

  private init(_ resolved: ResolvedSource, defaultDType: DType) throws(FormatError) {
    self.resolved = resolved
    literals = LiteralWriter(out: out, language: .formula, defaultDType: defaultDType)
    var lists: [Int: ByteBuffer] = [:]
    for (index, operand) in resolved.source.operands.enumerated() {
      guard case .literal(let literal) = operand else { continue }
      let text = ByteBuffer(capacity: 64)
      try LiteralWriter(out: text, language: .formula, defaultDType: defaultDType)
        .appendLiteral(literal, of: resolved.text)
      lists[index] = text
    }
    forms = PrintedForms(resolved, lists)
  }

  private var source: GraphSource { resolved.source }

  // MARK: Graphs and functions

  private mutating func printGraph() throws(FormatError) {
    nameFunctions()
    let layout = PrintedLayout(0, of: forms)
    nameTemporaries(layout)
    printInputs(layout)
    printConstants(of: 0, indent: "")
    for function in resolved.functions { printFunction(function) }
    printStatements(layout, indent: "")
    let outputs = resolved.outputs(of: 0)
    let scope = resolved.scopes[0]
    let implied = layout.defaultOutputs(source).map { scope.number(ofResult: $0) }
    if source.namesOutputs || (outputs != implied && !outputs.isEmpty) { printReturn(of: 0, indent: "") }
  }

  private mutating func printFunction(_ body: Int) {
    let layout = PrintedLayout(body, of: forms)
    nameTemporaries(layout)
    beginLine("")
    out.append("def ")
    appendFunctionName(body)
    out.append("(")
    for (position, input) in source.inputs[source.bodies[body].inputs ?? 0..<0].enumerated() {
      if position > 0 { out.append(", ") }
      PrintedName.append(input.name, to: out)
    }
    out.append(") {")
    printConstants(of: body, indent: "    ")
    printStatements(layout, indent: "    ")
    printReturn(of: body, indent: "    ")
    beginLine("")
    out.append("}")
  }

  private func beginLine(_ indent: StaticString) {
    if out.count > 0 { out.append(UInt8(ascii: "\n")) }
    out.append(indent)
  }

  private func printConstants(of body: Int, indent: StaticString) {
    for constant in source.bodies[body].constants {
      beginLine(indent)
      out.append("const ")
      PrintedName.append(source.constants[constant].name, to: out)
      out.append(" = ")
      let tensor = source.constants[constant].tensor
      if source.typedConstants.contains(constant) {
        literals.appendTyped(tensor)
      } else {
        literals.appendUntyped(tensor)
      }
    }
  }

  private func printReturn(of body: Int, indent: StaticString) {
    beginLine(indent)
    out.append("return ")
    for (position, output) in resolved.outputs(of: body).enumerated() {
      if position > 0 { out.append(", ") }
      appendName(number: output, body)
    }
  }

  // MARK: Inputs

  private func printInputs(_ layout: PrintedLayout) {
    guard let declared = source.declaredInputs else {
      // An input that is only returned must be declared, and then all must.
      let isReturnedOnly = resolved.scopes[0].outputs.contains { output in
        output < resolved.freeNames.count && !resolved.scopes[0].isTaken[output]
      }
      for name in isReturnedOnly ? resolved.freeNames : [] { printInput(InputDeclaration(name: name)) }
      return
    }
    for input in declared { printInput(input) }
  }

  private func printInput(_ input: InputDeclaration) {
    beginLine("")
    out.append("input ")
    PrintedName.append(input.name, to: out)
    if input.dtype != nil || input.shape != nil { out.append(": ") }
    if let dtype = input.dtype { out.append(dtype.name) }
    if let shape = input.shape {
      out.append("[")
      for (axis, dimension) in shape.enumerated() {
        if axis > 0 { out.append(", ") }
        switch dimension {
        case .size(let size): out.append(int: Int64(size))
        case .any: out.append("_")
        case .named(let name): PrintedName.append(name, to: out)
        }
      }
      out.append("]")
    }
    guard let value = input.fallback else { return }
    out.append(" = ")
    if value.dtype == input.dtype { literals.appendBare(value) } else { literals.appendUntyped(value) }
  }

  // MARK: Names

  /// A function called as an operation that the graph uses gets another name, for before `(` a function wins.
  private mutating func nameFunctions() {
    let used = Set(source.nodes.lazy.filter { $0.role != .call }.map(\.operation.reference.name))
    var taken = NameTable(capacity: source.bodies.count)
    for body in source.bodies.dropFirst() { _ = taken.define(body.name) }
    var next = 1
    for body in source.bodies.indices.dropFirst() {
      let name = source.bodies[body].name
      functionNames[body] = used.contains(name.string) ? fresh("f", &next, &taken) : name
    }
  }

  private mutating func nameTemporaries(_ layout: PrintedLayout) {
    guard layout.standings.contains(.temporary) else { return }
    var taken = resolved.scopes[layout.body].names
    var next = 1
    for statement in layout.statements {
      for result in source.nodes[statement].results where layout.standing(result) == .temporary {
        temporaries[result] = fresh("t", &next, &taken).string
      }
    }
  }

  /// The next name of a letter and a number that is not taken.
  private mutating func fresh(_ letter: String, _ next: inout Int, _ taken: inout NameTable) -> SourceName {
    while true {
      let name = names.name("\(letter)\(next)")
      next += 1
      if taken.define(name) { return name }
    }
  }

  private func appendFunctionName(_ body: Int) {
    PrintedName.append(functionNames[body] ?? source.bodies[body].name, to: out)
  }

  /// The name of an input, a constant or a result.
  private func appendName(number: Int, _ body: Int) {
    let scope = resolved.scopes[body]
    if let result = scope.result(number), let name = temporaries[result] { return out.append(name) }
    PrintedName.append(scope.names.name(number), to: out)
  }

  // MARK: Statements

  private func printStatements(_ layout: PrintedLayout, indent: StaticString) {
    for statement in layout.statements {
      beginLine(indent)
      for (position, result) in source.nodes[statement].results.enumerated() {
        if position > 0 { out.append(", ") }
        if layout.standing(result) == .unused { out.append("_") } else { appendTarget(result, layout.body) }
      }
      out.append(" = ")
      printExpression(statement, layout)
    }
  }

  private func appendTarget(_ result: Int, _ body: Int) {
    appendName(number: resolved.scopes[body].number(ofResult: result), body)
  }

  // MARK: Expressions

  /// What is still to be written, the next last.
  private enum Piece {
    case text(StaticString)
    case symbol(FormulaOperator)
    case operand(Int, of: Int, PrintedForm)
    case node(Int)
    case attributes(Int)
    /// The value of a `constant`.
    case value(Int)
    case items([PrintedItem], Int)
  }

  private func printExpression(_ statement: Int, _ layout: PrintedLayout) {
    var pieces = [Piece.node(statement)]
    while let piece = pieces.popLast() {
      switch piece {
      case .text(let text): out.append(text)
      case .symbol(let symbol):
        if symbol.precedence == .power { out.append(symbol.symbol) } else { out.append(" \(symbol.symbol) ") }
      case .node(let node): pieces.append(contentsOf: self.pieces(of: node, layout).reversed())
      case .attributes(let node): appendAttributes(node)
      case .value(let node):
        for attribute in LiteralWriter.telling(source.nodes[node], in: source) { append(attribute, of: node) }
      case .items(let items, let operand): appendItems(items, operand, layout.body)
      case .operand(let operand, let node, let form):
        let isBracketed = forms.isBracketed(operand, of: node, form, in: layout)
        if isBracketed { out.append("(") }
        if isBracketed { pieces.append(.text(")")) }
        if let inner = forms.inPlace(operand, in: layout) {
          pieces.append(.node(inner))
        } else {
          appendOperand(operand, layout.body)
        }
      }
    }
  }

  private func pieces(of index: Int, _ layout: PrintedLayout) -> [Piece] {
    let node = source.nodes[index]
    let form = forms.form(of: index, in: layout)
    let (first, last) = (node.operands.lowerBound, node.operands.upperBound - 1)
    switch form {
    case .binary(let symbol):
      return [.operand(first, of: index, form), .symbol(symbol), .operand(last, of: index, form)]
    case .prefix(let symbol): return [.text(symbol.symbol), .operand(first, of: index, form)]
    case .transposed: return [.operand(first, of: index, form), .text(".T")]
    case .index(let items):
      return [.operand(first, of: index, form), .text("["), .items(items, last), .text("]")]
    case .assigned: return node.operands.isEmpty ? [.value(index)] : [.operand(first, of: index, form)]
    case .call:
      var pieces: [Piece] = []
      for operand in node.operands {
        if operand > first { pieces.append(.text(", ")) }
        pieces.append(.operand(operand, of: index, form))
      }
      appendCallee(index)
      return pieces + [.attributes(index), .text(")")]
    }
  }

  private func appendCallee(_ index: Int) {
    if let callee = resolved.callees[index] {
      appendFunctionName(callee)
    } else {
      out.append(source.nodes[index].operation.reference.name)
    }
    out.append("(")
  }

  /// The attributes of a call, behind its operands.
  private func appendAttributes(_ index: Int) {
    let node = source.nodes[index]
    if resolved.callees[index] != nil { return }
    for (position, attribute) in LiteralWriter.telling(node, in: source).enumerated() {
      if position > 0 || !node.operands.isEmpty { out.append(", ") }
      PrintedName.append(attribute.name, to: out)
      out.append("=")
      append(attribute, of: index)
    }
  }

  private func append(_ attribute: LiteralWriter.Attribute, of node: Int) {
    let isTyped = source.nodes[node].attributes.map(source.typedAttributes.contains) ?? false
    literals.append(attribute.value, attribute.kind, isTyped: isTyped)
  }

  private func appendItems(_ items: [PrintedItem], _ operand: Int, _ body: Int) {
    for (position, item) in items.enumerated() {
      if position > 0 { out.append(", ") }
      switch item {
      case .all: out.append(":")
      case .ellipsis: out.append("...")
      case .new: out.append("None")
      case .operand: appendOperand(operand, body)
      case .slice(let start, let end, let step):
        if let start { out.append(int: Int64(start)) }
        out.append(":")
        if let end { out.append(int: Int64(end)) }
        if step == 1 { continue }
        out.append(":")
        out.append(int: Int64(step))
      }
    }
  }

  private func appendOperand(_ operand: Int, _ body: Int) {
    switch source.operands[operand] {
    case .name: appendName(number: Int(resolved.resolved[operand]), body)
    case .number(let number): literals.append(source.numbers[number])
    case .truth(let truth): out.append(truth ? "true" as StaticString : "false")
    case .tensor(let tensor): literals.appendTyped(source.tensors[tensor])
    case .literal: if let text = forms.literals[operand] { out.append(text) }
    }
  }
}
