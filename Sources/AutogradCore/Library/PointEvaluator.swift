/// A point at which a function is evaluated: its inputs with some changes.
enum CheckPoint {
  /// One element of one input is changed.
  case element(input: Int, index: Int, value: Double)
  /// Inputs are moved along a line by a multiple of its direction.
  case line(CheckLine, Double)
}

/// A direction through elements of one input or of several.
struct CheckLine {
  var directions: [(input: Int, direction: [Double])]
}

/// Evaluates a scalar function at many points that differ little.
///
/// Many points of a small function are evaluated in one run, as a batch: a run has a cost for each node, however small
/// its tensors, and with n inputs of one element the graph has at least n nodes.
struct PointEvaluator {
  /// Points of one run.
  private static let mostStacked = 256
  /// Maximum bytes of a stack of points, including what is computed from it.
  private static let stackBytes = 32 << 20

  let plan: Plan
  let inputs: [Tensor]
  private let varied: [Int]
  private let stacked: Plan?
  private let stackSize: Int
  /// For each varied input, a stack of its unchanged value.
  private let stacks: [Int: Tensor]

  /// - Parameters:
  ///   - graph: one output, a scalar of float64.
  ///   - varied: which of its inputs are changed, all of float64.
  ///   - points: approximate number of points.
  init(_ graph: Graph, _ inputs: [Tensor], varied: [Int], points: Int, _ interruption: Interruption?) throws(GraphError)
  {
    plan = try Plan(graph, interruption: interruption)
    self.inputs = inputs
    self.varied = varied
    let rowBytes = varied.reduce(plan.peakByteCount) { min($0 + inputs[$1].type.byteCount, PointEvaluator.stackBytes) }
    let size = min(points, PointEvaluator.mostStacked, PointEvaluator.stackBytes / max(4 * rowBytes, 1))
    var stacked: Plan?
    // Below this, making a plan takes longer than it saves.
    if size >= 16 {
      stacked = try PointEvaluator.stack(graph, varied, size, interruption)
      if let plan = stacked, plan.peakByteCount > PointEvaluator.stackBytes { stacked = nil }
    }
    self.stacked = stacked
    stackSize = stacked == nil ? 1 : size
    var stacks: [Int: Tensor] = [:]
    if stacked != nil {
      for input in varied {
        try interruption?.check()
        stacks[input] = PointEvaluator.rows(of: inputs[input], size)
      }
    }
    self.stacks = stacks
  }

  /// Maximum bytes in use, without the inputs.
  var peakByteCount: Int {
    guard let stacked else { return plan.peakByteCount }
    // The unchanged rows, and the changed ones twice while they are made.
    return max(plan.peakByteCount, stacked.peakByteCount) + 3 * stacks.values.reduce(0) { $0 + $1.type.byteCount }
  }

  /// The function over a stack of points, or nil if it cannot be stacked, because some operations take no further axis.
  private static func stack(_ graph: Graph, _ varied: [Int], _ size: Int, _ interruption: Interruption?)
    throws(GraphError) -> Plan?
  {
    do throws(GraphError) {
      let builder = GraphBuilder(extending: graph)
      builder.interruption = interruption
      var pairs: [(value: Value, batched: Value)] = []
      for input in varied {
        let value = builder.value(graph.columns.inputs[input])
        guard value.shape.rank < Shape.maximumRank else { return nil }
        pairs.append((value, builder.input("", value.dtype, Shape([size]).appending(value.shape))))
      }
      let results = builder.batched(graph.outputs.map(builder.value), size: size, over: pairs)
      return try Plan(try builder.graph(outputs: results), interruption: interruption)
    } catch {
      if error.code == .interrupted { throw error }
      return nil
    }
  }

  private static func rows(of tensor: Tensor, _ size: Int) -> Tensor {
    let row = tensor.doubles
    return Tensor((0..<size).flatMap { _ in row }, shape: Shape([size]).appending(tensor.shape))
  }

  // MARK: Values

  /// The function's values; NaN where it has none.
  /// - Throws: `interrupted` only.
  func values(_ points: [CheckPoint], _ interruption: Interruption?) throws(GraphError) -> [Double] {
    var values: [Double] = []
    values.reserveCapacity(points.count)
    for start in stride(from: 0, to: points.count, by: stackSize) {
      let part = points[start..<min(start + stackSize, points.count)]
      // A part of a stack costs as much as a whole one.
      if part.count * 8 >= stackSize, let found = try stackedValues(part, interruption) {
        values += found
      } else {
        for point in part { values.append(try value(at: point, of: inputs, interruption)) }
      }
    }
    return values
  }

  /// The function at one point near the given inputs; NaN if it has no value there, for example because a matrix is
  /// singular.
  func value(at point: CheckPoint, of inputs: [Tensor], _ interruption: Interruption?) throws(GraphError) -> Double {
    let changed = PointEvaluator.inputs(at: point, of: inputs)
    do throws(GraphError) {
      return try plan.run(changed, interruption: interruption)[0].doubles[0]
    } catch {
      if error.code == .interrupted { throw error }
      return .nan
    }
  }

  static func inputs(at point: CheckPoint, of inputs: [Tensor]) -> [Tensor] {
    var changed = inputs
    switch point {
    case .element(let input, let index, let value):
      var elements = inputs[input].doubles
      elements[index] = value
      changed[input] = Tensor(elements, shape: inputs[input].shape)
    case .line(let line, let distance):
      for (input, direction) in line.directions { changed[input] = inputs[input].moved(along: direction, distance) }
    }
    return changed
  }

  /// - Returns: nil if the stack cannot be run because of one of its points.
  private func stackedValues(_ points: ArraySlice<CheckPoint>, _ interruption: Interruption?) throws(GraphError)
    -> [Double]?
  {
    guard let stacked else { return nil }
    var rows: [Int: [Double]] = [:]
    func change(_ input: Int, _ body: (inout [Double], Int) -> Void) {
      body(&rows[input, default: stacks[input]?.doubles ?? []], inputs[input].elementCount)
    }
    for (row, point) in points.enumerated() {
      try interruption?.check()
      switch point {
      case .element(let input, let index, let value): change(input) { $0[row * $1 + index] = value }
      case .line(let line, let distance):
        for (input, direction) in line.directions {
          change(input) { elements, count in
            for (index, slope) in direction.enumerated() { elements[row * count + index] += distance * slope }
          }
        }
      }
    }
    let tensors = varied.compactMap { input in
      rows[input].map { Tensor($0, shape: Shape([stackSize]).appending(inputs[input].shape)) } ?? stacks[input]
    }
    do throws(GraphError) {
      return Array(try stacked.run(inputs + tensors, interruption: interruption)[0].doubles.prefix(points.count))
    } catch {
      if error.code == .interrupted { throw error }
      return nil
    }
  }
}

extension Tensor {
  /// - Precondition: float64, with one component of the direction for each element.
  func moved(along direction: [Double], _ distance: Double) -> Tensor {
    Tensor(zip(doubles, direction).map { $0 + distance * $1 }, shape: shape)
  }
}
