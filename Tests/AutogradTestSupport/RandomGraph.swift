import AutogradCore

/// Draws graphs: values are used many times or not at all, operands broadcast, parts of splits are dropped, layouts
/// pile up (transposes of slices of broadcasts, backward steps), float32 meets float64.
package struct RandomGraph {
  package var random: SeededGenerator
  private let builder = GraphBuilder()
  private var values: [Value] = []
  /// Larger values are summed, not kept, so that the interpreter stays quick.
  private let largest = 96

  package init(seed: UInt64) { random = SeededGenerator(seed: seed) }

  /// A graph of about `nodeCount` operations, with one to four outputs.
  package mutating func draw(nodeCount: Int) throws(GraphError) -> Graph {
    for index in 0..<random.int(1...4) {
      values.append(
        builder.input("x\(index)", random.chance(0.25) ? .float32 : .float64, shape(rank: random.int(0...3))))
    }
    values.append(builder.constant(Tensor.random(TensorType(.float64, shape(rank: 2)), using: &random)))
    for _ in 0..<nodeCount {
      for result in try step() where result.type.elementCount <= largest { values.append(result) }
    }
    // The last values depend on most of the others; earlier ones, inputs and views among them, may be outputs too.
    var outputs = [values[values.count - 1]]
    for _ in 0..<random.int(0...3) { outputs.append(random.pick(values)) }
    return try builder.graph(outputs: outputs)
  }

  // MARK: Operations

  private mutating func step() throws(GraphError) -> [Value] {
    // Recent values more often than old ones, so that graphs grow deep; old ones too, so that they fan out.
    let x = random.chance(0.6) ? values[random.int(max(0, values.count - 4)...(values.count - 1))] : random.pick(values)
    switch random.int(0...11) {
    case 0, 1, 2: return try binary(x)
    case 3: return try apply(random.pick(["neg", "identity"]), [.value(x)])
    case 4: return try reshape(x)
    case 5: return try apply("transpose", [.value(x)], ["axes": .integers((0..<x.shape.rank).shuffled(using: &random))])
    case 6: return try broadcast(x)
    case 7: return try slice(x)
    case 8: return try split(x)
    case 9: return try sum(x)
    case 10: return try matmul(x)
    default: return try apply("cast", [.value(x)], ["dtype": .text(random.pick(["float64", "float64", "float32"]))])
    }
  }

  private func apply(
    _ name: String, _ operands: [Operand], _ attributes: [String: AttributeValue] = [:], results: Int = 1
  ) throws(GraphError) -> [Value] {
    guard let operation = OpCatalog.operation(named: name) else { throw GraphError(.unknownOperation, name) }
    return try builder.apply(operation, operands, attributes, resultCount: results)
  }

  private mutating func binary(_ x: Value) throws(GraphError) -> [Value] {
    let partners = values.filter { Shape.broadcast($0.shape, x.shape).map { $0.elementCount <= largest } ?? false }
    let weak = random.chance(0.15) || partners.isEmpty
    let y: Operand = weak ? .weak(WeakNumber(Double(random.int(-4...4)) / 2 + 0.25)) : .value(random.pick(partners))
    switch random.int(0...4) {
    case 0: return try apply("add", random.chance(0.5) ? [.value(x), y] : [y, .value(x)])
    case 1: return try apply("sub", random.chance(0.5) ? [.value(x), y] : [y, .value(x)])
    case 2:
      // y² + 1 has no zeros to divide by.
      let square = try apply("mul", [y, y])[0]
      return try apply("div", [.value(x), .value(try apply("add", [.value(square), .weak(WeakNumber(1))])[0])])
    default:
      let product = try apply("mul", random.chance(0.5) ? [.value(x), y] : [y, .value(x)])
      return try apply("mul", [.value(product[0]), .weak(WeakNumber(0.5))])
    }
  }

  private mutating func reshape(_ x: Value) throws(GraphError) -> [Value] {
    var sizes: [Int] = []
    var rest = x.shape.elementCount
    while rest > 1 && sizes.count < 3 {
      let divisors = (1...rest).filter { rest % $0 == 0 }
      let size = random.pick(divisors)
      sizes.append(size)
      rest /= size
    }
    if rest != 1 || random.chance(0.2) { sizes.append(rest) }
    sizes.shuffle(using: &random)
    if x.shape.elementCount > 0, !sizes.isEmpty, random.chance(0.3) { sizes[random.int(0...(sizes.count - 1))] = -1 }
    return try apply("reshape", [.value(x)], ["shape": .integers(sizes)])
  }

  private mutating func broadcast(_ x: Value) throws(GraphError) -> [Value] {
    var sizes = x.shape.array.map { $0 == 1 && random.chance(0.7) ? random.int(1...3) : $0 }
    if sizes.count < 4 && random.chance(0.6) { sizes.insert(random.int(1...3), at: 0) }
    return try apply("broadcast_to", [.value(x)], ["shape": .integers(sizes)])
  }

  private mutating func slice(_ x: Value) throws(GraphError) -> [Value] {
    var (starts, ends, steps): ([Int?], [Int?], [Int?]) = ([], [], [])
    for axis in 0..<x.shape.rank {
      let size = x.shape[axis]
      starts.append(random.chance(0.4) ? nil : random.int((-size - 1)...(size + 1)))
      ends.append(random.chance(0.6) ? nil : random.int((-size - 1)...(size + 1)))
      steps.append(random.pick([1, 1, 2, -1, -2]))
    }
    return try apply(
      "slice", [.value(x)], ["starts": .integers(starts), "ends": .integers(ends), "steps": .integers(steps)])
  }

  private mutating func split(_ x: Value) throws(GraphError) -> [Value] {
    guard x.shape.rank > 0 else { return [x] }
    let axis = random.int(0...(x.shape.rank - 1))
    let size = x.shape[axis]
    let cuts = (0..<random.int(1...3)).map { _ in random.int(0...size) }.sorted()
    let sizes = zip(cuts + [size], [0] + cuts).map { $0 - $1 }
    let parts = try apply(
      "split", [.value(x)],
      ["axis": .integer(random.chance(0.5) ? axis : axis - x.shape.rank), "splits": .integers(sizes)],
      results: sizes.count)
    var used: [Value] = []
    for part in parts where random.chance(0.6) { used.append(part) }
    return used
  }

  private mutating func sum(_ x: Value) throws(GraphError) -> [Value] {
    var axes: [Int] = []
    for axis in 0..<x.shape.rank where random.chance(0.5) {
      axes.append(random.chance(0.5) ? axis : axis - x.shape.rank)
    }
    axes.shuffle(using: &random)
    let axis: AttributeValue = random.chance(0.2) ? .null : .integers(axes)
    return try apply("sum", [.value(x)], ["axis": axis, "keepdims": .boolean(random.chance(0.5))])
  }

  private mutating func matmul(_ x: Value) throws(GraphError) -> [Value] {
    guard let inner = x.shape.last else { return [x] }
    let partners = values.filter { y in
      guard y.shape.rank > 0, (y.shape.rank == 1 ? y.shape[0] : y.shape[y.shape.rank - 2]) == inner else {
        return false
      }
      return y.shape.rank <= 2 || x.shape.rank <= 2
    }
    if random.chance(0.5), !partners.isEmpty {
      return try apply("matmul", [.value(x), .value(random.pick(partners))])
    }
    // A stack of its own for the right side, or one that broadcasts along the left side's.
    var sizes = Array(x.shape.array.dropLast(2)).map { random.chance(0.5) ? $0 : 1 }
    if random.chance(0.4) { sizes = [] }
    let y = builder.constant(
      Tensor.random(TensorType(.float64, Shape(sizes + [inner, random.int(1...3)])), using: &random))
    return try apply("matmul", [.value(x), .value(y)])
  }

  private mutating func shape(rank: Int) -> Shape {
    var sizes: [Int] = []
    for _ in 0..<rank { sizes.append(random.chance(0.04) ? 0 : random.int(1...4)) }
    return Shape(sizes)
  }
}
