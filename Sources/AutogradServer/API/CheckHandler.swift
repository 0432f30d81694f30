import AutogradCore

/// `POST /v1/check`: gradients held against central differences, and where numbers stop being finite.
struct CheckHandler: Sendable {
  let limits: Limits

  func reply(to request: Request) -> Reply {
    do throws(Problem) {
      let check = try GradientCheck(try ParsedBody(request, limits), limits)
      return .later(
        Work(cost: Int64(check.work / 3), byteCount: check.byteCount) { interruption in
          do throws(Problem) {
            return .now(Response(body: try check.run(interruption)))
          } catch {
            return .now(error.response(requestID: request.id))
          }
        })
    } catch {
      return .now(error.response(requestID: request.id))
    }
  }
}

/// One check, planned and admitted. Everything is computed in float64, whatever the request's dtypes: differences need the digits.
///
/// `@unchecked Sendable`: it is made on one thread and run once on another; nothing else holds its builder.
final class GradientCheck: @unchecked Sendable {
  /// At most this many elements of each input are varied, spread evenly.
  static let elementsPerInput = 1000

  private let body: ParsedBody
  private let request: DifferentialRequest
  private let inputs: [Tensor]
  /// The cotangent-weighted sum of what is differentiated, a scalar.
  private let value: Plan
  private let gradients: Plan
  /// The floating results of all nodes that are needed, to find the first that is not finite.
  private let trace: Plan
  private let traced: [(node: Int, name: JSONValue.Text)]
  /// Elementary operations, and bytes of memory, that it takes.
  let work: Int
  let byteCount: Int

  init(_ body: ParsedBody, _ limits: Limits) throws(Problem) {
    self.body = body
    request = try DifferentialRequest(.check, body, limits: limits)
    let builder = request.graph.builder
    let targets = request.targets ?? []
    let found: [(node: Int, name: JSONValue.Text, value: Value)]
    do throws(GraphError) {
      let needed = try builder.graph(outputs: request.of.map(\.value)).reachableNodes
      found = request.graph.floatingResults.filter { needed[Int(builder.columns.producers[Int($0.value.id)])] }
    } catch {
      throw request.graph.problem(error)
    }
    traced = found.map { ($0.node, $0.name) }
    inputs = request.tensors.map { $0.dtype == .float32 ? $0.converted(to: .float64) : $0 }
    do throws(GraphError) {
      var computed = zip(targets, builder.gradients(of: request.seeds, withRespectTo: targets.map(\.value))).map {
        $1 ?? builder.zeros($0.value.type)
      }
      let weighted = request.seeds.map { seed in (seed.value * seed.cotangent).sum().cast(to: .float64) }
      var total = weighted.dropFirst().reduce(weighted.first ?? builder.constant(Scalar(0.0))) { $0 + $1 }
      var results = found.map(\.value)
      if let batch = request.graph.batch {
        let sums = zip(targets, computed).map { (value: $1, isSum: !batch.contains($0.name.bytes)) }
        computed = batch.run(sums, builder)
        total = batch.run([(total, true)], builder)[0]
        results = batch.run(results.map { ($0, false) }, builder)
      }
      value = try Plan(try builder.graph(outputs: [total]).widened(), interruption: body.interruption)
      gradients = try Plan(try builder.graph(outputs: computed).widened(), interruption: body.interruption)
      trace = try Plan(try builder.graph(outputs: results).widened(), interruption: body.interruption)
    } catch {
      throw request.graph.problem(error)
    }
    for plan in [value, gradients, trace] { try Admission.check(plan, limits, answers: false) }
    let evaluations = inputs.prefix(request.graph.inputs.count).reduce(0) {
      $0 + 2 * min($1.elementCount, GradientCheck.elementsPerInput) + 2
    }
    byteCount = [value, gradients, trace].reduce(0) { max($0, $1.peakByteCount) }
    let overflow: Bool
    (work, overflow) = value.work.multipliedReportingOverflow(by: evaluations)
    if overflow || work > limits.planWork {
      throw Problem(
        .planWork,
        "the check takes \(evaluations) evaluations of the graph, in all more than \(limits.planWork) elementary operations",
        at: "/graph", limit: limits.planWork, value: overflow ? Int.max : work)
    }
  }

  func run(_ interruption: Interruption) throws(Problem) -> ByteBuffer {
    do throws(GraphError) {
      let analytic = try gradients.run(inputs, interruption: interruption)
      let base = try evaluate(inputs, interruption)
      var reports: [(name: JSONValue.Text, report: Report)] = []
      for (target, gradient) in zip(request.targets ?? [], analytic) {
        guard let position = request.graph.inputs.firstIndex(where: { $0.value == target.value }) else { continue }
        reports.append((target.name, try compare(position, gradient, base, interruption)))
      }
      return write(reports, try firstNonfinite(interruption))
    } catch {
      throw request.graph.problem(error)
    }
  }

  // MARK: Differences

  fileprivate struct Report {
    var passed = true
    var maximumError = 0.0
    var index: [Int] = []
    var analytic = 0.0
    var numeric = 0.0
    var checked = 0
    var kink = false
  }

  private func evaluate(_ inputs: [Tensor], _ interruption: Interruption) throws(GraphError) -> Double {
    try value.run(inputs, interruption: interruption)[0].doubles[0]
  }

  private func compare(
    _ position: Int, _ gradient: Tensor, _ base: Double, _ interruption: Interruption
  ) throws(GraphError) -> Report {
    let x = inputs[position].doubles
    let shape = inputs[position].shape
    let slopes = gradient.doubles
    var report = Report()
    let count = min(x.count, GradientCheck.elementsPerInput)
    for sample in 0..<count {
      let index = count < x.count ? sample * x.count / count : sample
      let step = 6e-6 * max(1, abs(x[index]))
      var varied = x
      varied[index] = x[index] + step
      let above = try evaluate(replacing(position, varied), interruption)
      varied[index] = x[index] - step
      let below = try evaluate(replacing(position, varied), interruption)
      report.add(slopes[index], above, below, base, step, at: shape.index(of: index))
    }
    guard x.count > 0 else { return report }
    // One direction through all elements at once, so that no element goes unseen.
    // The same in every run: the same request gives the same bytes.
    let signs = x.indices.map { (UInt64($0) &+ 1) &* 0x9E37_79B9_7F4A_7C15 >> 63 == 0 ? 1.0 : -1.0 }
    let step = 6e-6 * x.reduce(1) { max($0, abs($1)) } / Double(x.count).squareRoot()
    let above = try evaluate(replacing(position, zip(x, signs).map { $0 + step * $1 }), interruption)
    let below = try evaluate(replacing(position, zip(x, signs).map { $0 - step * $1 }), interruption)
    report.add(zip(slopes, signs).reduce(0) { $0 + $1.0 * $1.1 }, above, below, base, step, at: nil)
    return report
  }

  private func replacing(_ position: Int, _ values: [Double]) -> [Tensor] {
    var varied = inputs
    varied[position] = Tensor(values, shape: inputs[position].shape)
    return varied
  }

  /// The first value, in the order of the nodes, that is NaN or infinite.
  private func firstNonfinite(_ interruption: Interruption) throws(GraphError) -> (node: Int, output: JSONValue.Text, index: [Int])? {
    for (result, (node, name)) in zip(try trace.run(inputs, interruption: interruption), traced) {
      if let position = result.doubles.firstIndex(where: { !$0.isFinite }) { return (node, name, result.shape.index(of: position)) }
    }
    return nil
  }

  // MARK: The answer

  private func write(_ reports: [(name: JSONValue.Text, report: Report)], _ nonfinite: (node: Int, output: JSONValue.Text, index: [Int])?)
    -> ByteBuffer
  {
    let json = ByteBuffer()
    json.append("{\"passed\": \(reports.allSatisfy(\.report.passed)), \"inputs\": {")
    for (position, (name, report)) in reports.enumerated() {
      if position > 0 { json.append(", ") }
      json.appendJSONString(name.bytes)
      json.append(": {\"passed\": \(report.passed), \"max_error\": ")
      json.append(double: report.maximumError)
      json.append(", \"index\": \(report.index), \"analytic\": ")
      json.append(double: report.analytic)
      json.append(", \"numeric\": ")
      json.append(double: report.numeric)
      json.append(", \"checked\": \(report.checked), \"kink\": \(report.kink)}")
    }
    json.append("}, \"first_nonfinite\": ")
    if let nonfinite {
      json.append("{\"node\": \(nonfinite.node), \"output\": ")
      json.appendJSONString(nonfinite.output.bytes)
      json.append(", \"index\": \(nonfinite.index)}")
    } else {
      json.append("null")
    }
    request.warnings.append(to: json)
    json.append("}\n")
    return json
  }
}

extension GradientCheck.Report {
  /// Adds one comparison. An index of nil is the direction through all elements, which counts for passing but is not shown.
  fileprivate mutating func add(
    _ analytic: Double, _ above: Double, _ below: Double, _ base: Double, _ step: Double, at index: [Int]?
  ) {
    let numeric = (above - below) / (2 * step)
    let (right, left) = ((above - base) / step, (base - below) / step)
    if abs(right - left) > 1e-3 * max(1, abs(right), abs(left)) { kink = true }
    let error = abs(analytic - numeric)
    let fits = error <= 1e-5 * max(1, abs(analytic), abs(numeric)) + 1e-9 * abs(base)
    if !fits { passed = false }
    guard let index else { return }
    checked += 1
    if checked == 1 || error > maximumError || error.isNaN {
      maximumError = error
      self.index = index
      self.analytic = analytic
      self.numeric = numeric
    }
  }
}

extension Shape {
  /// The index of an element by its row-major position.
  fileprivate func index(of position: Int) -> [Int] {
    var rest = position
    var index = [Int](repeating: 0, count: rank)
    for axis in stride(from: rank - 1, through: 0, by: -1) {
      index[axis] = rest % self[axis]
      rest /= self[axis]
    }
    return index
  }
}

extension GraphDecoder {
  /// The floating results of all nodes, in node order.
  var floatingResults: [(node: Int, name: JSONValue.Text, value: Value)] {
    zip(nodes, results).enumerated().flatMap { index, entry in
      zip(entry.0.outputs.elements, entry.1).filter { $1.dtype.isFloating }.map { (index, JSONValue.Text($0), $1) }
    }
  }
}
