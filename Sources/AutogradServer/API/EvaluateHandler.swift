import AutogradCore

/// `POST /v1/evaluate`: outputs and gradients.
struct EvaluateHandler: Sendable {
  let limits: Limits

  /// Above this many elementary operations a plan leaves the socket thread: waking another costs 50 to 80 µs, this much work takes a few
  /// times that.
  static let inlineWork = 200_000

  func reply(to request: Request) -> Reply {
    do throws(Problem) {
      let evaluation = try Evaluation(body: request.body, limits: limits)
      if evaluation.plan.work <= EvaluateHandler.inlineWork { return .now(respond(evaluation, request)) }
      return .later { respond(evaluation, request) }
    } catch {
      return .now(error.response(requestID: request.id))
    }
  }

  private func respond(_ evaluation: Evaluation, _ request: Request) -> Response {
    do throws(Problem) {
      return try evaluation.run()
    } catch {
      return error.response(requestID: request.id)
    }
  }
}

/// One evaluation: planned, admitted, ready to run.
///
/// `@unchecked Sendable`: it is made on one thread and run once on another; nothing else holds its builder.
final class Evaluation: @unchecked Sendable {
  let plan: Plan
  private let document: JSONDocument
  private let request: EvaluateRequest
  private var clock = PhaseClock()

  init(body: UnsafeRawBufferPointer, limits: Limits) throws(Problem) {
    do throws(JSONSyntaxError) {
      document = try JSONDocument(parsing: body, maximumDepth: limits.jsonDepth)
    } catch {
      throw Problem(error)
    }
    request = try EvaluateRequest(document, limits: limits)
    clock.mark("read")
    plan = try Evaluation.plan(request)
    try Admission.check(plan, limits)
    clock.mark("plan")
  }

  private static func plan(_ request: EvaluateRequest) throws(Problem) -> Plan {
    let builder = request.graph.builder
    do throws(GraphError) {
      var results = request.outputs.map(\.value)
      if let targets = request.targets {
        let gradients = builder.gradients(of: request.seeds, withRespectTo: targets.map(\.value))
        results += zip(targets, gradients).map { target, gradient in gradient ?? builder.zeros(target.value.type) }
      }
      return try Plan(try builder.graph(outputs: results))
    } catch {
      throw request.graph.problem(error)
    }
  }

  /// Runs the plan and writes the answer.
  func run() throws(Problem) -> Response {
    clock.mark("wait")
    let results: [Tensor]
    do throws(GraphError) {
      results = try plan.run(request.tensors)
    } catch {
      throw request.graph.problem(error)
    }
    clock.mark("run")
    let body = answer(results)
    clock.mark("write")
    let headers = [("X-Graph-Digest", GraphDigest.text(request.graphText)), ("Server-Timing", clock.header)]
    // The values of the document are read up to here.
    return withExtendedLifetime(document) { Response(headers: headers, body: body) }
  }

  private func answer(_ results: [Tensor]) -> ByteBuffer {
    let encoder = TensorEncoder(form: request.form)
    let json = ByteBuffer(capacity: 256 + plan.resultByteCount)
    func append(_ named: [GraphDecoder.Named], _ tensors: ArraySlice<Tensor>) {
      json.append("{")
      for (position, (name, tensor)) in zip(named, tensors).enumerated() {
        if position > 0 { json.append(", ") }
        json.appendJSONString(name.name.bytes)
        json.append(": ")
        encoder.append(tensor, to: json)
      }
      json.append("}")
    }
    json.append("{\"outputs\": ")
    append(request.outputs, results[..<request.outputs.count])
    if let targets = request.targets {
      json.append(", \"gradients\": ")
      append(targets, results[request.outputs.count...])
    }
    if !request.warnings.isEmpty { appendWarnings(to: json) }
    json.append("}\n")
    return json
  }

  private func appendWarnings(to json: ByteBuffer) {
    json.append(", \"warnings\": [")
    for (position, warning) in request.warnings.enumerated() {
      json.append(position > 0 ? ", {\"code\": \"\(warning.code)\", \"pointer\": " : "{\"code\": \"\(warning.code)\", \"pointer\": ")
      json.appendJSONString(warning.pointer)
      json.append(", \"detail\": ")
      json.appendJSONString(warning.detail)
      json.append("}")
    }
    json.append("]")
  }
}

/// Whether a plan may run, by what it is known to need.
enum Admission {
  static func check(_ plan: Plan, _ limits: Limits) throws(Problem) {
    func refuse(_ what: String, _ limit: Int, _ value: Int) -> Problem {
      Problem(.limitExceeded, "the graph \(what), at most \(limit) are allowed", at: "/graph", limit: limit, value: value)
    }
    if plan.peakByteCount > limits.planBytes {
      throw refuse("needs \(plan.peakByteCount) bytes of memory", limits.planBytes, plan.peakByteCount)
    }
    if plan.work > limits.planWork { throw refuse("takes \(plan.work) elementary operations", limits.planWork, plan.work) }
    let elements = plan.outputTypes.reduce(0) { $0 + $1.shape.textualElementCount }
    if elements > limits.answerElements { throw refuse("yields \(elements) numbers to answer with", limits.answerElements, elements) }
  }
}

extension Shape {
  /// How many numbers or empty lists nested text of this shape holds.
  fileprivate var textualElementCount: Int {
    var count = 1
    for axis in 0..<rank where self[axis] > 0 { count *= self[axis] }
    return count
  }
}

/// A fingerprint of a graph's text, the same on every server, to tell graphs apart in logs. Not for security.
enum GraphDigest {
  static func text(_ bytes: UnsafeRawBufferPointer) -> String {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325 ^ UInt64(bytes.count)
    var offset = 0
    while bytes.count - offset >= 8 {
      hash = fold(hash ^ bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self).littleEndian)
      offset += 8
    }
    for byte in bytes[offset...] { hash = fold(hash ^ UInt64(byte)) }
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  private static func fold(_ word: UInt64) -> UInt64 {
    let product = word.multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
    return product.high ^ product.low
  }
}

/// Where the time of a request goes, for `Server-Timing`.
struct PhaseClock {
  private var phases: [(name: String, nanoseconds: Int64)] = []
  private var last = monotonicNanoseconds()

  mutating func mark(_ name: String) {
    let now = monotonicNanoseconds()
    phases.append((name, now - last))
    last = now
  }

  /// `read;dur=0.012, plan;dur=0.034, …`, in milliseconds.
  var header: String {
    phases.map { phase in
      let microseconds = phase.nanoseconds / 1000
      let fraction = String(microseconds % 1000)
      return "\(phase.name);dur=\(microseconds / 1000).\(String(repeating: "0", count: 3 - fraction.count))\(fraction)"
    }.joined(separator: ", ")
  }
}
