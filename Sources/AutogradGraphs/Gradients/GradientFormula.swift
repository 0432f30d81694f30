import AutogradCore
import AutogradFormats

extension GraphAssembler {
  /// The gradients of the sum of all outputs, as a formula for people to read. It returns `grad_x` for each target x.
  ///
  /// It is made of operations of the catalog. Where a derivative needs something that the catalog does not have, the
  /// formula is that of the graph with a `grad` node. It holds for inputs of the shapes that the graph was built for.
  ///
  /// The nodes of the derivative are added to the builder.
  /// - Parameters:
  ///   - outputs: what is differentiated; others than floating values are left out.
  ///   - targets: floating inputs.
  /// - Returns: nil if there is nothing to differentiate, or if the derivative cannot be built.
  package func gradientFormula(of outputs: [NamedValue], withRespectTo targets: [NamedValue]) -> ByteBuffer? {
    let floating = outputs.filter { $0.value.isValid && $0.value.dtype.isFloating }
    guard !floating.isEmpty, !targets.isEmpty else { return nil }
    builder.label = -1
    let seeds = floating.map { (value: $0.value, cotangent: builder.ones($0.value.type)) }
    let gradients = builder.gradients(of: seeds, withRespectTo: targets.map(\.value))
    // A derivative that is refused has no formula. Whoever asks for it is told why elsewhere.
    guard builder.takeError() == nil else { return nil }
    let values = zip(targets, gradients).map { $1 ?? builder.zeros($0.value.type) }
    let writer = DerivativeSource(self)
    let formula = writer.formula(of: values, targets) ?? writer.gradFormula(of: floating, targets)
    guard let formula else { return nil }
    return try? FormulaPrinter.print(formula, writer, defaultDType: defaultDType)
  }
}

/// A source made of some of a graph's nodes and of nodes for its derivatives. Its own text: names that are made live in
/// it.
final class DerivativeSource: SourceText {
  let assembler: GraphAssembler
  let columns: GraphColumns
  private let arena = NameArena()
  /// The names of the graph, and those that are made.
  private var taken: NameTable
  /// The nodes of the derivative.
  var drafts: [Draft] = []
  var terms: [ValueID: Term] = [:]
  /// Values of drafts that have been repeated to a shape.
  var broadcasts: [Broadcast: Term] = [:]

  /// Bytes of tensors that are written.
  var constantBytes = 0

  struct Broadcast: Hashable {
    let draft: Int
    let shape: Shape
  }

  struct Draft {
    let operation: any Operation
    let operands: [Term.Operand]
    let attributes: [String: AttributeValue]
  }

  /// A value as it stands in the formula. Its shape may be one that broadcasts to that of the value.
  struct Term {
    enum Operand {
      case name(SourceName)
      case draft(Int)
      case scalar(Scalar)
      case tensor(Tensor)
    }

    var operand: Operand
    /// The shape of what is written.
    var shape: Shape
    /// The type of the value that it stands for.
    var type: TensorType
  }

  init(_ assembler: GraphAssembler) {
    self.assembler = assembler
    columns = assembler.builder.columns
    taken = assembler.scopes[0].names
    for number in 0..<taken.count {
      let value = assembler.values[number]
      note(value, taken.name(number))
      // What `kept` marks is the same value.
      guard value >= 0, columns.opcodes[Int(columns.producers[Int(value)])] == .kept else { continue }
      note(columns.operand(columns.producers[Int(value)], 0), taken.name(number))
    }
  }

  private func note(_ value: ValueID, _ name: SourceName) {
    guard value >= 0, terms[value] == nil, !isCommonNumber(value) else { return }
    let type = columns.type(of: value)
    terms[value] = Term(operand: .name(name), shape: type.shape, type: type)
  }

  /// Whether it is a number that derivatives have of their own: equal constants are one value, and 2 x is not k x where
  /// the graph has a k that is 2.
  private func isCommonNumber(_ value: ValueID) -> Bool {
    guard case .scalar(let dtype, let bits) = columns.attributes(of: columns.producers[Int(value)]) else {
      return false
    }
    let common = [0, 1, -1, 2, -2, 3, 4, 0.5, -0.5, 0.25]
    return !dtype.isFloating || common.contains { Scalar(floating: $0, as: dtype).bits == bits }
  }

  // MARK: SourceText

  func located(_ error: FormatError, at part: SourcePart) -> FormatError { error }
  func operandTexts(of node: Int) -> [String] { [] }
  func tensor(_ literal: Int, as dtype: DType) throws(FormatError) -> Tensor {
    try assembler.text.tensor(literal, as: dtype)
  }

  // MARK: Formulas

  /// - Returns: nil if a derivative is made of something that the catalog does not have.
  func formula(of gradients: [Value], _ targets: [NamedValue]) -> GraphSource? {
    guard translate(gradients.map(\.id)) else { return nil }
    var results: [Term.Operand] = []
    for gradient in gradients {
      guard let term = terms[gradient.id] else { return nil }
      results.append(whole(term).operand)
    }
    // The first target that a node is the gradient by gives it its name.
    var names: [Int: SourceName] = [:]
    var outputs: [SourceName] = []
    for (target, result) in zip(targets, results) {
      let name = gradientName(of: target)
      outputs.append(name)
      if case .draft(let draft) = result, names[draft] == nil { names[draft] = name; continue }
      draft(result, named: name, &names)
    }
    return source(names, outputs)
  }

  /// A gradient that is no node of its own: another name for a value, or a constant.
  private func draft(_ result: Term.Operand, named name: SourceName, _ names: inout [Int: SourceName]) {
    names[drafts.count] = name
    switch result {
    case .scalar(let scalar): append("constant", [], ["value": .tensor(scalar.tensor)])
    case .tensor(let tensor): append("constant", [], ["value": .tensor(tensor)])
    case .name, .draft: append("identity", [result])
    }
  }

  /// The graph itself, and its gradients by `grad`.
  func gradFormula(of outputs: [NamedValue], _ targets: [NamedValue]) -> GraphSource? {
    drafts = []
    var total: Term.Operand?
    for output in outputs {
      var operand = Term.Operand.name(output.name)
      // `grad` adds the elements of one value up itself.
      if outputs.count > 1 { operand = .draft(append("sum", [operand])) }
      if let sum = total { operand = .draft(append("add", [sum, operand])) }
      total = operand
    }
    guard let total else { return nil }
    append("grad", [total] + targets.map { .name($0.name) })
    return source([:], targets.map(gradientName))
  }

  private func gradientName(of target: NamedValue) -> SourceName {
    var name = arena.name("grad_" + target.name.string)
    while name.bytes.count > NameTable.longestName || !taken.define(name) {
      name = arena.name(String(name.string.prefix(NameTable.longestName / 8)) + "_")
    }
    return name
  }

  @discardableResult
  func append(_ operation: String, _ operands: [Term.Operand], _ attributes: [String: AttributeValue] = [:]) -> Int {
    guard let operation = OpCatalog.operation(named: operation) else { return -1 }
    drafts.append(Draft(operation: operation, operands: operands, attributes: attributes))
    return drafts.count - 1
  }

  // MARK: Columns

  /// - Parameters:
  ///   - names: the names of drafts that have any.
  ///   - outputs: the names of the gradients; those of the last draft's results if it is `grad`.
  private func source(_ names: [Int: SourceName], _ outputs: [SourceName]) -> GraphSource {
    let original = assembler.source
    var source = original
    (source.nodes, source.operands, source.results) = ([], [], [])
    (source.constants, source.typedConstants) = ([], [])
    let needed = neededNodes()
    copyConstants(of: 0, needed: needed.constants, to: &source)
    for node in original.bodies[0].nodes where needed.nodes.contains(node) { copy(node, to: &source) }
    var next = 1
    let made = drafts.indices.map { draft -> [SourceName] in
      if drafts[draft].operation.reference.name == "grad" { return outputs }
      return [names[draft] ?? nameless(&next)]
    }
    for (draft, results) in zip(drafts, made) { write(draft, results, made, to: &source) }
    source.bodies[0].nodes = 0..<source.nodes.count
    source.bodies[0].results = 0..<source.results.count
    source.bodies[0].outputs = source.outputs.count..<source.outputs.count + outputs.count
    source.outputs += outputs
    copyFunctions(to: &source)
    return source
  }

  private func nameless(_ next: inout Int) -> SourceName {
    while true {
      let name = arena.name("_\(next)")
      next += 1
      if taken.define(name) { return name }
    }
  }

  /// The graph's nodes and constants that the drafts need, directly or not.
  private func neededNodes() -> (nodes: Set<Int>, constants: Set<Int>) {
    let scope = assembler.scopes[0]
    var (nodes, constants, seen): (Set<Int>, Set<Int>, Set<Int>) = ([], [], [])
    var open: [Int] = []
    for draft in drafts {
      for case .name(let name) in draft.operands { if let number = scope.names[name] { open.append(number) } }
    }
    let producers = assembler.source.bodies[0].nodes.reduce(into: [Int: Int]()) { producers, node in
      for result in assembler.source.nodes[node].results { producers[result] = node }
    }
    while let number = open.popLast() {
      guard seen.insert(number).inserted else { continue }
      guard let result = scope.result(number) else {
        if number >= scope.firstConstant { constants.insert(number - scope.firstConstant) }
        continue
      }
      guard let node = producers[result], nodes.insert(node).inserted else { continue }
      for operand in assembler.source.nodes[node].operands where assembler.resolved[operand] >= 0 {
        open.append(Int(assembler.resolved[operand]))
      }
    }
    let first = assembler.source.bodies[0].constants.lowerBound
    return (nodes, Set(constants.map { first + $0 }))
  }

  private func copyConstants(of body: Int, needed: Set<Int>?, to source: inout GraphSource) {
    let original = assembler.source
    let first = source.constants.count
    for constant in original.bodies[body].constants where needed?.contains(constant) ?? true {
      if original.typedConstants.contains(constant) { source.typedConstants.insert(source.constants.count) }
      source.constants.append(original.constants[constant])
    }
    source.bodies[body].constants = first..<source.constants.count
  }

  private func copy(_ node: Int, to source: inout GraphSource) {
    let original = assembler.source.nodes[node]
    add(
      original.operation, Array(assembler.source.operands[original.operands]),
      Array(assembler.source.results[original.results]), original.attributes, to: &source)
  }

  private func add(
    _ operation: any Operation, _ operands: [GraphSource.Operand], _ results: [SourceName], _ attributes: Int?,
    to source: inout GraphSource
  ) {
    let (operand, result) = (source.operands.count, source.results.count)
    source.operands += operands
    source.results += results
    source.nodes.append(
      GraphSource.Node(
        operation, operands: operand..<source.operands.count, results: result..<source.results.count,
        attributes: attributes))
  }

  /// The functions that the nodes call; all of them if they call any.
  private func copyFunctions(to source: inout GraphSource) {
    guard source.nodes.contains(where: { $0.role == .call }) else {
      source.bodies.removeLast(source.bodies.count - 1)
      return
    }
    for body in source.bodies.indices.dropFirst() {
      copyConstants(of: body, needed: nil, to: &source)
      let (node, result) = (source.nodes.count, source.results.count)
      for index in assembler.source.bodies[body].nodes { copy(index, to: &source) }
      source.bodies[body].nodes = node..<source.nodes.count
      source.bodies[body].results = result..<source.results.count
    }
  }

  private func write(_ draft: Draft, _ results: [SourceName], _ made: [[SourceName]], to source: inout GraphSource) {
    // Beside numbers alone a number has the default dtype.
    let hasTensor = draft.operands.enumerated().contains { position, operand in
      guard draft.operation.reference.kind(of: position) == .promoted else { return false }
      return if case .scalar = operand { false } else { true }
    }
    let operands = draft.operands.enumerated().map { position, operand -> GraphSource.Operand in
      switch operand {
      case .name(let name): return .name(name)
      case .draft(let index): return .name(made[index][0])
      case .tensor(let tensor):
        source.tensors.append(tensor)
        return .tensor(source.tensors.count - 1)
      case .scalar(let scalar):
        let kind = draft.operation.reference.kind(of: position)
        return write(scalar, isWeak: hasTensor && kind == .promoted || kind == .index, to: &source)
      }
    }
    var attributes: Int?
    if !draft.attributes.isEmpty {
      source.attributes.append(draft.attributes)
      attributes = source.attributes.count - 1
    }
    add(draft.operation, operands, results, attributes, to: &source)
  }

  /// - Parameter isWeak: whether a number gets its dtype from where it stands.
  private func write(_ scalar: Scalar, isWeak: Bool, to source: inout GraphSource) -> GraphSource.Operand {
    if scalar.dtype == .bool { return .truth(scalar.bits != 0) }
    guard isWeak || scalar.dtype == assembler.defaultDType else {
      source.tensors.append(scalar.tensor)
      return .tensor(source.tensors.count - 1)
    }
    source.numbers.append(DerivativeSource.number(scalar))
    return .number(source.numbers.count - 1)
  }

  private static func number(_ scalar: Scalar) -> WeakNumber {
    switch scalar.dtype {
    case .float32:
      let float = Float(bitPattern: UInt32(truncatingIfNeeded: scalar.bits))
      // The shortest number that is this float, not all digits of its value.
      let double = Double(float.description) ?? Double(float)
      return WeakNumber(double: double, float: float, integer: Int64(exactly: float))
    case .float64: return WeakNumber(Double(bitPattern: scalar.bits))
    case .int64, .int32, .bool:
      let integer =
        scalar.dtype == .int32 ? Int64(Int32(truncatingIfNeeded: scalar.bits)) : Int64(bitPattern: scalar.bits)
      return WeakNumber(double: Double(integer), float: Float(integer), integer: integer)
    }
  }
}
