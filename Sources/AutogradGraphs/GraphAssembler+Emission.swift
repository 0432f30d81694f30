import AutogradCore
import AutogradFormats

/// A body (the graph, or a function at a call) whose nodes are being emitted.
private struct Activation {
  let body: Int
  /// Where its values begin among those of the assembler.
  let base: Int
  /// The label of the call; -1 for the graph.
  let call: Int32
  /// How many of its nodes have been emitted.
  var taken = 0
}

/// Emits nodes into the builder, and functions in place of their calls.
extension GraphAssembler {
  /// Calls can nest as deeply as the source likes, so the stack is on the heap.
  func emitGraph(_ inputs: [Value]) throws(FormatError) {
    enter(0, inputs)
    var stack = [Activation(body: 0, base: 0, call: -1)]
    while let top = stack.indices.last {
      let activation = stack[top]
      let nodes = source.bodies[activation.body].nodes
      guard activation.taken < nodes.count else {
        stack.removeLast()
        if let caller = stack.last { try leave(activation, to: caller) }
        continue
      }
      stack[top].taken += 1
      let node = scopes[activation.body].order?[activation.taken] ?? nodes.lowerBound + activation.taken
      let label = label(of: node, activation)
      builder.label = label
      if source.nodes[node].role == .call, let callee = callees[node] {
        let operands = try callOperands(node, callee, label, base: activation.base)
        stack.append(Activation(body: callee, base: values.count, call: label))
        enter(callee, operands)
        try lookForInterruption()
      } else {
        try emit(node, activation, label)
      }
    }
  }

  /// The builder looks while nodes are added; functions need not have any.
  private func lookForInterruption() throws(FormatError) {
    callCount += 1
    guard callCount % 64 == 0 else { return }
    do throws(GraphError) {
      try builder.interruption?.check()
    } catch {
      throw problem(error)
    }
  }

  private func label(of node: Int, _ activation: Activation) -> Int32 {
    if activation.body == 0 { return Int32(node) }
    placements.append(Placement(node: Int32(node), call: activation.call))
    return Int32(source.nodes.count + placements.count - 1)
  }

  private func emit(_ index: Int, _ activation: Activation, _ label: Int32) throws(FormatError) {
    let node = source.nodes[index]
    let operands = try operands(of: index, label, activation.base)
    do throws(GraphError) {
      let results = try builder.apply(
        node.operation, operands, node.attributes.map { source.attributes[$0] } ?? [:],
        resultCount: node.results.count, defaultDType: defaultDType)
      if node.role == .gradient { noteZeros(index, results) }
      store(results, of: index, activation)
    } catch {
      throw problem(error)
    }
  }

  private func store(_ results: [Value], of node: Int, _ activation: Activation) {
    let first = scopes[activation.body].number(ofResult: source.nodes[node].results.lowerBound)
    for (position, result) in results.enumerated() {
      values[activation.base + first + position] = kept(result, first + position, activation.body).id
    }
  }

  // MARK: Functions

  /// Reserves the values of a body, and stores those that are known: inputs and constants.
  private func enter(_ body: Int, _ inputs: [Value]) {
    for (number, input) in inputs.enumerated() {
      values.append(body == 0 ? input.id : kept(input, number, body).id)
    }
    for constant in source.bodies[body].constants { values.append(constants[constant]) }
    values.append(contentsOf: repeatElement(-1, count: source.bodies[body].results.count))
  }

  /// A function's outputs become the results of its call.
  private func leave(_ function: Activation, to caller: Activation) throws(FormatError) {
    let node =
      scopes[caller.body].order?[caller.taken - 1] ?? source.bodies[caller.body].nodes.lowerBound + caller.taken - 1
    let results = scopes[function.body].outputs.map { builder.value(values[function.base + $0]) }
    values.removeLast(values.count - function.base)
    builder.label = function.call
    store(results, of: node, caller)
  }

  /// A target of derivatives gets a node of its own, so that no rewrite looks through it.
  ///
  /// In a function that node is unique. So `grad` differentiates with respect to this input only, even if other inputs
  /// get the same value.
  private func kept(_ value: Value, _ number: Int, _ body: Int) -> Value {
    guard !scopes[body].isTarget.isEmpty, scopes[body].isTarget[number] else { return value }
    guard body > 0 else { return builder.kept(value) }
    keptCount += 1
    return builder.kept(value, apart: keptCount)
  }
}
