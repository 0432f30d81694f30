import AutogradCore
import AutogradFormats

/// Resolves names and orders nodes, before anything is emitted.
extension GraphAssembler {
  func resolveNames(_ inputs: [NamedValue]) throws(FormatError) {
    resolved = Array(repeating: -1, count: source.operands.count)
    scopes.reserveCapacity(source.bodies.count)
    for index in source.bodies.indices {
      try defineNames(of: index, given: inputs)
      if try !resolveOperands(of: index) { scopes[index].order = try order(of: index) }
      try resolveOutputs(of: index)
      noteTargets(of: index)
    }
  }

  // MARK: Definitions

  private func defineNames(of index: Int, given: [NamedValue]) throws(FormatError) {
    let body = source.bodies[index]
    let declared = body.inputs ?? 0..<0
    let inputCount = index == 0 ? given.count : declared.count
    let firstResult = inputCount + body.constants.count
    let count = firstResult + body.results.count
    scopes.append(
      Scope(
        names: NameTable(capacity: count), firstConstant: inputCount, firstResult: firstResult,
        results: body.results.lowerBound))
    for position in 0..<inputCount {
      let name = index == 0 ? given[position].name : source.inputs[declared.lowerBound + position].name
      try define(name, index, at: body.inputs.map { .input($0.lowerBound + position) } ?? .given(name))
    }
    for constant in body.constants { try define(source.constants[constant].name, index, at: .constant(constant)) }
    for node in body.nodes {
      let results = source.nodes[node].results
      for result in results {
        try define(source.results[result], index, at: .result(result - results.lowerBound, ofNode: node), node: node)
      }
    }
  }

  private func define(
    _ name: SourceName, _ index: Int, at part: @autoclosure () -> SourcePart, node: Int? = nil
  ) throws(FormatError) {
    // Results may be nameless: `_1`, `_2`, …
    if let refusal = NameTable.refusal(of: name), node == nil || !name.isNameless {
      throw fault(FormatError(.wrongType, refusal, at: ""), at: part(), node: node)
    }
    guard scopes[index].names.define(name) else {
      throw fault(FormatError(.duplicateName, taken(name, index), at: ""), at: part(), node: node)
    }
  }

  /// Why a name cannot be given again.
  private func taken(_ name: SourceName, _ index: Int) -> String {
    let scope = scopes[index]
    let number = scope.names[name] ?? 0
    let what =
      number < scope.firstConstant
      ? "an input"
      : scope.result(number).map {
        "an output of node \(self.node(ofResult: $0) - source.bodies[index].nodes.lowerBound)"
      }
        ?? "a constant"
    return "\(name.string) is already \(what); choose another name"
  }

  /// Results are in the order of the nodes, so this is a binary search.
  private func node(ofResult result: Int) -> Int {
    var (low, high) = (0, source.nodes.count - 1)
    while low < high {
      let middle = (low + high) / 2
      if source.nodes[middle].results.upperBound > result { high = middle } else { low = middle + 1 }
    }
    return low
  }

  // MARK: Operands

  /// - Returns: whether every node is listed after its operands.
  private func resolveOperands(of index: Int) throws(FormatError) -> Bool {
    let body = source.bodies[index]
    let scope = scopes[index]
    var isTaken = Array(repeating: false, count: scope.names.count)
    var isOrdered = true
    for node in body.nodes {
      let firstOpen = scope.number(ofResult: source.nodes[node].results.lowerBound)
      for operand in source.nodes[node].operands {
        guard case .name(let name) = source.operands[operand] else { continue }
        guard let number = scope.names[name] else {
          let position = operand - source.nodes[node].operands.lowerBound
          throw fault(unknown(name, in: index), at: .operand(position, ofNode: node), node: node)
        }
        resolved[operand] = Int32(number)
        isTaken[number] = true
        if number >= firstOpen { isOrdered = false }
      }
    }
    scopes[index].isTaken = isTaken
    return isOrdered
  }

  private func noOutputs(of index: Int) -> FormatError {
    let node = source.bodies[index].nodes.upperBound - 1
    let words =
      "names of the form _1 are reserved for results without a name, and no other is left as an output; give "
      + "one a name, or list outputs"
    return fault(FormatError(.wrongType, words, at: ""), at: .result(0, ofNode: node), node: node)
  }

  /// - Returns: `unknown_name` without a place.
  func unknown(_ name: SourceName, in index: Int) -> FormatError {
    if name.isNameless {
      return FormatError(
        .unknownName, "\(name.brief) is the form of results without a name, which cannot be asked for; give it one",
        at: "")
    }
    let scope = scopes[index]
    if index > 0, scopes[0].names[name] != nil, NameTable.numberHint(for: name.string) == nil {
      let function = source.bodies[index].name.brief
      return FormatError(
        .unknownName,
        "\(name.brief) is defined only in the graph, not in the function \(function): a function sees its own inputs "
          + "and constants, so make it an input",
        at: "")
    }
    let inputs = (0..<scope.firstConstant).lazy.map { scope.names.name($0).string }
    return FormatError(.unknownName, UnknownName.detail(name, scope.names, inputs: inputs), at: "")
  }

  /// The nodes in an order in which operands come first: depth-first search with an explicit stack.
  private func order(of index: Int) throws(FormatError) -> [Int] {
    enum Mark { case new, open, done }
    let body = source.bodies[index]
    let scope = scopes[index]
    var marks = [Mark](repeating: .new, count: body.nodes.count)
    var order: [Int] = []
    order.reserveCapacity(body.nodes.count)
    var stack: [(node: Int, operand: Int)] = []
    for start in body.nodes where marks[start - body.nodes.lowerBound] == .new {
      marks[start - body.nodes.lowerBound] = .open
      stack.append((start, source.nodes[start].operands.lowerBound))
      while let top = stack.indices.last {
        let (node, operand) = stack[top]
        guard operand < source.nodes[node].operands.upperBound else {
          marks[node - body.nodes.lowerBound] = .done
          order.append(node)
          stack.removeLast()
          continue
        }
        stack[top].operand += 1
        guard resolved[operand] >= 0, let result = scope.result(Int(resolved[operand])) else { continue }
        let taken = self.node(ofResult: result)
        switch marks[taken - body.nodes.lowerBound] {
        case .done: break
        case .open: throw cycle(stack.map(\.node), back: taken)
        case .new:
          marks[taken - body.nodes.lowerBound] = .open
          stack.append((taken, source.nodes[taken].operands.lowerBound))
        }
      }
    }
    return order
  }

  private func cycle(_ path: [Int], back: Int) -> FormatError {
    let loop = Array((path.firstIndex(of: back).map { path[$0...] } ?? path[...]))
    let names = loop.prefix(8).map { firstResult(of: $0) ?? "node \($0)" }
    let more = loop.count > 8 ? ["…"] : []
    let words = (names + more + [names[0]]).reversed().joined(separator: " -> ")
    return fault(FormatError(.cycle, "cycle: \(words)", at: ""), at: .node(back), node: back)
  }

  // MARK: Outputs and targets

  private func resolveOutputs(of index: Int) throws(FormatError) {
    let scope = scopes[index]
    guard let listed = source.bodies[index].outputs else {
      scopes[index].outputs = (scope.firstResult..<scope.names.count).filter {
        !scope.isTaken[$0] && !scope.names.name($0).isNameless
      }
      if scopes[index].outputs.isEmpty, scope.firstResult < scope.names.count {
        throw noOutputs(of: index)
      }
      return
    }
    for output in listed {
      let name = source.outputs[output]
      guard let number = scope.names[name], !name.isNameless else {
        throw text.located(unknown(name, in: index), at: .output(output))
      }
      scopes[index].outputs.append(number)
    }
  }

  /// Marks the targets of `grad` nodes.
  private func noteTargets(of index: Int) {
    for node in source.bodies[index].nodes where source.nodes[node].role == .gradient {
      for operand in source.nodes[node].operands.dropFirst() where resolved[operand] >= 0 {
        if scopes[index].isTarget.isEmpty {
          scopes[index].isTarget = Array(repeating: false, count: scopes[index].names.count)
        }
        scopes[index].isTarget[Int(resolved[operand])] = true
      }
    }
  }
}
