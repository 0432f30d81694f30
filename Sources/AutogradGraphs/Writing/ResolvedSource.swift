import AutogradCore
import AutogradFormats

/// A source whose names are resolved, as its writers need it. Nothing is emitted.
struct ResolvedSource {
  let source: GraphSource
  let text: any SourceText
  let scopes: [Scope]
  /// For each operand that is a name, its number in the scope of the body.
  let resolved: [Int32]
  /// For each call node, the body that it calls.
  let callees: [Int: Int]
  /// For each result, its node.
  let producers: [Int32]
  /// The names that are used and never defined, in the order of their first use; empty if inputs are declared.
  let freeNames: [SourceName]

  /// - Throws: what the ``GraphAssembler`` refuses before it knows types (names, cycles and
  ///   calls), and attributes that no text can hold.
  init(_ source: GraphSource, _ text: any SourceText) throws(FormatError) {
    try source.checkAttributes(text)
    let builder = GraphBuilder()
    let assembler = GraphAssembler(source, text, into: builder, limits: GraphLimits(nodes: .max))
    let free = source.declaredInputs == nil ? ResolvedSource.freeNames(of: source) : []
    let names = source.declaredInputs?.map(\.name) ?? free
    try assembler.resolveNames(names.map { NamedValue(name: $0, value: builder.value(-1)) })
    try assembler.checkCalls()
    self.source = source
    self.text = text
    scopes = assembler.scopes
    resolved = assembler.resolved
    callees = assembler.callees
    freeNames = free
    var producers = [Int32](repeating: -1, count: source.results.count)
    for (index, node) in source.nodes.enumerated() { for result in node.results { producers[result] = Int32(index) } }
    self.producers = producers
  }

  static func freeNames(of source: GraphSource) -> [SourceName] {
    let body = source.bodies[0]
    var defined = NameTable(capacity: body.results.count)
    for constant in body.constants { _ = defined.define(source.constants[constant].name) }
    for result in body.results { _ = defined.define(source.results[result]) }
    var free: [SourceName] = []
    // What is found is defined, so that it is found once.
    for node in body.nodes {
      for operand in source.nodes[node].operands {
        if case .name(let name) = source.operands[operand], defined.define(name) { free.append(name) }
      }
    }
    for output in body.outputs ?? 0..<0 where defined.define(source.outputs[output]) {
      free.append(source.outputs[output])
    }
    return free
  }

  /// The result that an operand of a node of this body names; nil for inputs, constants and whatever is no name.
  func result(_ operand: Int, in body: Int) -> Int? {
    resolved[operand] < 0 ? nil : scopes[body].result(Int(resolved[operand]))
  }

  /// The numbers of a body's outputs. Values without a name are none unless they are listed.
  func outputs(of body: Int) -> [Int] {
    let scope = scopes[body]
    if source.bodies[body].outputs != nil { return scope.outputs }
    return scope.outputs.filter { !(scope.result($0).map { source.results[$0].isNameless } ?? false) }
  }

  /// The functions, each behind those that it calls, otherwise in their order.
  var functions: [Int] {
    var isDone = [Bool](repeating: false, count: source.bodies.count)
    var order: [Int] = []
    // A node of a body that is looked at next; ``GraphAssembler/checkCalls()`` has found no circle.
    var stack: [(body: Int, node: Int)] = []
    for start in source.bodies.indices.dropFirst() where !isDone[start] {
      stack.append((start, source.bodies[start].nodes.lowerBound))
      isDone[start] = true
      while let (body, node) = stack.last {
        guard node < source.bodies[body].nodes.upperBound else {
          order.append(body)
          stack.removeLast()
          continue
        }
        stack[stack.count - 1].node += 1
        guard let callee = callees[node], !isDone[callee] else { continue }
        isDone[callee] = true
        stack.append((callee, source.bodies[callee].nodes.lowerBound))
      }
    }
    return order
  }
}
