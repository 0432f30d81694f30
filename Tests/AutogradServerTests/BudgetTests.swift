import AutogradCore
import AutogradHTTPTestSupport
import AutogradTestSupport
import Foundation
import Testing

@testable import AutogradFormats
@testable import AutogradHTTP
@testable import AutogradServer

/// What answers and plans may take is known before it is taken, wherever they are made.
@Suite(.timeLimit(.minutes(60)))
struct BudgetTests {
  // MARK: Answers

  /// The longest numbers of each dtype, in every form and shape: never more than was reserved.
  @Test(arguments: TensorEncoder.Form.allCases, DType.allCases)
  func answersAreNoLongerThanTheirLimit(form: TensorEncoder.Form, dtype: DType) {
    let shapes: [Shape] = [
      [], [1], [3], [65], [300], [2, 3], [64, 1], [1, 64], [7, 1, 1, 1], [2, 3, 4], [5, 0], [0, 5], [2, 3, 0],
      [1, 1, 1, 1, 1, 1, 1, 2],
      [0],
    ]
    for shape in shapes {
      let tensor = Tensor(TensorType(dtype, shape)) { base in
        for index in 0..<shape.elementCount {
          switch dtype {
          case .float64: base.storeBytes(of: -2.2250738585072014e-308, toByteOffset: index * 8, as: Double.self)
          case .float32: base.storeBytes(of: -1.2345679e-38, toByteOffset: index * 4, as: Float.self)
          case .int64: base.storeBytes(of: Int64.min, toByteOffset: index * 8, as: Int64.self)
          case .int32: base.storeBytes(of: Int32.min, toByteOffset: index * 4, as: Int32.self)
          case .bool: base.storeBytes(of: false, toByteOffset: index, as: Bool.self)
          }
        }
      }
      let encoder = TensorEncoder(form: form)
      let limit = encoder.byteLimit(tensor.type)
      let json = ByteBuffer(capacity: limit)
      let room = json.capacity
      tensor.withUnsafeBytes { bytes in
        if let start = bytes.baseAddress { encoder.appendData(tensor.type, start, to: json, nil) }
      }
      #expect(json.count <= limit && json.capacity == room, "\(shape): \(json.count) of \(limit)")
    }
  }

  private static let many = (0..<1000).map { #"{"op": "neg", "inputs": ["x"], "outputs": ["y\#($0)"]}"# }.joined(
    separator: ",")

  /// Little work and a large answer leave the socket's thread, and reserve it.
  @Test(arguments: [
    #"{"graph": {"nodes": [\#(many)]}, "inputs": {"x": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]}, "gradients": false}"#,
    #"{"graph": {"nodes": [{"op": "broadcast_to", "inputs": ["x"], "outputs": ["y"], "attributes": {"shape": "#
      + #"[9999999, 0]}}]}, "inputs": {"x": {"shape": [0], "data": []}}}"#,
  ])
  func largeAnswersAreReserved(body: String) {
    let bytes = Array(body.utf8)
    let reserved = bytes.withUnsafeBytes { bytes -> [Int] in
      let request = Request(method: "POST", path: "/v1/evaluate", id: "test", body: bytes)
      var found: [Int] = []
      var reply = Router(routes: Routes.all(limits: Limits()) { true }).respond(to: request)
      while true {
        switch reply {
        case .now(let response):
          // What a stream keeps until it is sent, or the whole body.
          let held = max(response.byteCount, response.body.count)
          #expect(held > 0)
          return response.status == 200 && found.max() ?? 0 >= held ? found : []
        case .later(let work), .after(_, let work):
          found.append(work.byteCount)
          reply = work.run(Interruption())
        }
      }
    }
    #expect(!reserved.isEmpty)
  }

  /// Whoever does not read its answer gives way to others when there is no memory left for them.
  @Test func slowReadersGiveWay() throws {
    // More than the kernel takes for a client that does not read.
    let size = 16 << 20
    try withTransportServer(configure: { ($0.memoryLimit, $0.bodyLimit) = (56 << 20, size) }) { server in
      let slow = try (0..<2).map { _ in try server.connect() }
      for client in slow { try client.send(rawPost("/later", String(repeating: "x", count: size))) }
      try #require(eventually { server.server.memory.usedBytes >= 2 * size })
      let isServed = eventually(within: 20) {
        guard let other = try? server.connect() else { return false }
        guard (try? other.send(rawPost("/later", String(repeating: "y", count: size)))) != nil else { return false }
        return (try? other.readResponse())?.status == 200
      }
      #expect(isServed)
      withExtendedLifetime(slow) {}
    }
  }

  @Test func memoryOfWorkGoesBackWithTheAnswer() throws {
    let budget = MemoryBudget(limit: 100)
    var reservation = Reservation(budget, for: Tenant())
    let isReserved = reservation.add(85)
    #expect(isReserved)
    reservation.shrink(to: 10)
    #expect(budget.usedBytes == 10 && !budget.takeShortage())
    let other = Tenant()
    #expect(!budget.reserve(91, for: other, beside: 0) && budget.takeShortage() && !budget.takeShortage())
    reservation.shrink(to: 20)
    #expect(budget.usedBytes == 10)
    #expect(budget.reserve(87, for: other, beside: 0) && !budget.reserve(4, for: Tenant(), beside: 0))
    #expect(
      budget.reserve(9, for: other, beside: 0, isPage: true) && !budget.reserve(1, for: other, beside: 0, isPage: true))
    #expect(MemoryBudget(limit: .max).reserve(1000, for: other, beside: 0, isPage: true))
  }

  // MARK: Plans

  /// Tensors of an answer are counted before any is made.
  @Test(arguments: ["jacobian", "hessian"], [2000, 20_000])
  func tablesOfDerivativesAreCountedFirst(path: String, count: Int) {
    let inputs = (0..<count).map { "\"a\($0)\": 0.5" }.joined(separator: ",")
    let nodes = (0..<count).map { #"{"op": "sin", "inputs": ["a\#($0)"], "outputs": ["y\#($0)"]}"# }.joined(
      separator: ",")
    let body = "{\"graph\": {\"nodes\": [\(nodes)]}, \"inputs\": {\(inputs)}}"
    let response = InProcessServer().send("POST", "/v1/\(path)", body: Data(body.utf8))
    #expect(response.status == 413 && response.json["reason"] as? String == "too_many_outputs")
  }

  /// A graph grows by a factor with each `grad` around another; what it may grow to follows from what was sent.
  @Test func graphsGrowWithTheirText() {
    var nodes = [#"{"op": "mul", "inputs": ["x", "x"], "outputs": ["f0"]}"#]
    for order in 0..<12 {
      nodes.append(#"{"op": "sin", "inputs": ["f\#(order)"], "outputs": ["s\#(order)"]}"#)
      nodes.append(#"{"op": "mul", "inputs": ["s\#(order)", "f\#(order)"], "outputs": ["t\#(order)"]}"#)
      nodes.append(#"{"op": "grad", "inputs": ["t\#(order)", "x"], "outputs": ["f\#(order + 1)"]}"#)
    }
    let body = "{\"graph\": {\"nodes\": [\(nodes.joined(separator: ","))]}, \"inputs\": {\"x\": 0.5}}"
    let response = InProcessServer().evaluate(body)
    #expect(response.status == 413 && response.json["reason"] as? String == "too_many_nodes")
    #expect(response.json["limit"] as? Int == 150_000 + body.utf8.count)
  }

  private final class Memory: WorkMemory, @unchecked Sendable {
    var left: Int
    init(_ left: Int) { self.left = left }
    func reserveMore(_ byteCount: Int) -> Bool {
      left -= byteCount
      return left >= 0
    }
  }

  /// On the compute pool, a graph asks for the memory that it grows into.
  @Test func graphsReserveWhatTheyGrowTo() {
    let nodes = (0..<3000).map { #"{"op": "mul", "inputs": ["x", \#($0).5], "outputs": ["y\#($0)"]}"# }.joined(
      separator: ",")
    let body = Array("{\"graph\": {\"nodes\": [\(nodes)]}, \"inputs\": {\"x\": 0.5}, \"gradients\": false}".utf8)
    func status(_ memory: Memory) -> Int {
      body.withUnsafeBytes { bytes in
        var request = Request(method: "POST", path: "/v1/evaluate", id: "test", body: bytes)
        (request.interruption, request.memory) = (Interruption(), memory)
        return DifferentialHandler(limits: Limits()).reply(to: request, .evaluate).answer().status
      }
    }
    let roomy = Memory(1 << 30)
    #expect(status(roomy) == 200 && roomy.left < 1 << 30 - 3000 * Limits.planningBytesPerNode)
    #expect(status(Memory(1 << 20)) != 200)
  }
}
