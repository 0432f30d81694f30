import AutogradFormats

/// `def f(x, y) { … }`
extension FormulaParser {
  mutating func readFunction() throws(FormatError) {
    let place = token.start
    if outer != nil { throw bytes.fault(place, "a function has no functions inside: write it above") }
    try advance()
    let (name, namePlace) = try readNewName("the name of a function")
    if functionNames[name] != nil {
      throw bytes.fault(.duplicateName, namePlace, "the function \(name.string) is already defined")
    }
    if calledOperations[name] != nil {
      throw bytes.fault(
        .duplicateName, namePlace,
        "\(name.string) is called above as an operation; a function is defined before it is used")
    }
    try checkCount(functions.count + 1, "functions", at: namePlace)
    var function = FormulaDraft()
    function.name = name
    function.place = namePlace
    swap(&draft, &function)
    outer = function
    try readParameters()
    let open = token.start
    guard token.kind == .openBrace else {
      throw bytes.fault(open, "the body of a function stands in braces: def \(name.string)(x) { x ** 2 }")
    }
    try deepen(at: open)
    try advance()
    lastExpression = nil
    try readStatements()
    guard token.kind == .closeBrace else { throw unclosed("{", open) }
    try endFunction()
    try advance()
    depth -= 1
    functions.append(draft)
    _ = functionNames.define(name)
    if let graph = outer { draft = graph }
    outer = nil
    lastExpression = nil
  }

  private mutating func readParameters() throws(FormatError) {
    let open = token.start
    try expect(.openParenthesis, "( and the inputs of the function")
    repeat {
      if !draft.inputs.isEmpty { try advance() }
      if token.kind == .end { throw unclosed("(", open) }
      if token.kind == .closeParenthesis, draft.inputs.isEmpty {
        throw bytes.fault(token.start, "a function has at least one input; a value without inputs is a constant")
      }
      let (name, place) = try readNewName("the name of an input")
      try checkCount(draft.inputs.count + 1, "inputs", at: place)
      try define(name, .input, at: place)
      draft.inputs.append(
        FormulaDraft.Input(declaration: InputDeclaration(name: name), literal: nil, place: place))
      if token.kind == .assign {
        throw bytes.fault(token.start, "inputs of a function have no defaults: a call gives them all")
      }
    } while token.kind == .comma
    if token.kind == .end { throw unclosed("(", open) }
    try expect(.closeParenthesis, ", or )")
  }

  /// A function returns what `return` names, else the expression that it ends in.
  private mutating func endFunction() throws(FormatError) {
    if draft.outputs != nil { return }
    guard let expression = lastExpression else {
      throw bytes.fault(token.start, "a function ends in return and names, or in an expression")
    }
    draft.outputs = [expression]
  }
}
