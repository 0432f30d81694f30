import AutogradCore
import Foundation
import Testing

@testable import AutogradFormats
@testable import AutogradHTTP
@testable import AutogradServer

/// Bodies of many small values, which take several times their size once they are read, and of many names: refused
/// before they do.
@Suite(.timeLimit(.minutes(60)))
struct RequestSizeTests {
  /// What each column of a document is filled with: entries of lists, of scalars, numbers, unescaped text, keys and
  /// their table.
  private static let repeated: [(first: String, unit: String, last: String)] = [
    ("[", "[],", "[]]"), ("[null,", "0,", "0]"), ("[", "[0],", "[0]]"), ("[", "0,", "0]"), ("\"", "\\u0041", "\""),
    ("[", "\"\",", "0]"),
    ("[", #"{"a":{"a":0,"b":0}},"#, "0]"),
  ]

  @Test(arguments: repeated.indices)
  func valuesTakeNoMoreThanTheyMay(index: Int) throws {
    let (first, unit, last) = RequestSizeTests.repeated[index]
    let list = first + String(repeating: unit, count: 60_000) + last
    var server = InProcessServer()
    server.limits.documentBytes = 40_000
    let refused = server.evaluate(#"{"graph": {"nodes": []}, "inputs": {"x": \#(list)}}"#)
    #expect(refused.status == 413 && refused.json["code"] as? String == "limit_exceeded")
    #expect(refused.json["reason"] as? String == "body_too_large" && refused.json["limit"] as? Int == 40_000)
    // The rest of what it takes is there.
    let bytes = Array(list.utf8)
    try bytes.withUnsafeBytes { bytes in
      _ = try JSONDocument(parsing: bytes, maximumBytes: bytes.count * Limits.documentBytesPerByte)
    }
  }

  @Test func keysTakeNoMoreThanTheyMay() throws {
    let object = "{" + (0..<60_000).map { "\"\(String($0, radix: 36))\":0" }.joined(separator: ",") + "}"
    let bytes = Array(object.utf8)
    #expect(throws: JSONSyntaxError.tooMuchMemory(40_000)) {
      try bytes.withUnsafeBytes { bytes in _ = try JSONDocument(parsing: bytes, maximumBytes: 40_000) }
    }
    try bytes.withUnsafeBytes { bytes in
      _ = try JSONDocument(parsing: bytes, maximumBytes: bytes.count * Limits.documentBytesPerByte)
    }
  }

  /// A column grows into all that is left, although that is not twice as much.
  @Test func nothingIsLeftUnused() throws {
    var allowance = MemoryAllowance(300 * 8)
    var column = Column<Double>()
    for value in 0..<300 { try column.append(Double(value), &allowance) }
    #expect(column.count == 300 && allowance.left == 0)
    #expect(throws: JSONSyntaxError.tooMuchMemory(2400)) { try column.append(0, &allowance) }
    #expect(column.count == 300 && column[299] == 299)
  }

  /// The router reserves what a body's values may take, within the limit of them all.
  @Test func memoryIsReservedForTheValues() {
    let routes = Routes.all(limits: Limits()) { true }
    func reserved(_ size: Int, _ documentBytes: Int) -> Int? {
      let bytes = [UInt8](repeating: 0x20, count: size)
      return bytes.withUnsafeBytes { bytes in
        let request = Request(
          method: "POST", path: "/v1/evaluate", id: "test", contentType: nil, accept: nil, body: bytes)
        guard case .later(let work) = Router(routes: routes, documentBytes: documentBytes).respond(to: request) else {
          return nil
        }
        return work.byteCount
      }
    }
    #expect(reserved(100_000, 1 << 30) == 1_200_000)
    #expect(reserved(100_000, 500_000) == 500_000)
    #expect(reserved(100_000, 50_000) == 100_000)
  }

  // MARK: Names

  private static func names(_ prefix: String, _ count: Int) -> [String] { (0..<count).map { "\"\(prefix)\($0)\"" } }
  private static func tensors(_ count: Int) -> String {
    "{" + names("x", count).map { $0 + ": 1" }.joined(separator: ", ") + "}"
  }
  private static func list(_ items: [String]) -> String { "[" + items.joined(separator: ", ") + "]" }

  private static let node = #"{"op": "neg", "inputs": ["x"], "outputs": ["y"]}"#
  private static let many = 101
  private static let manyNamed: [(pointer: String, body: String)] = [
    ("/inputs", #"{"graph": {"nodes": []}, "inputs": \#(tensors(many))}"#),
    ("/graph/constants", #"{"graph": {"nodes": [], "constants": \#(tensors(51))}, "inputs": \#(tensors(50))}"#),
    ("/cotangents", #"{"graph": {"nodes": []}, "cotangents": \#(tensors(many))}"#),
    ("/graph/inputs", #"{"graph": {"nodes": [], "inputs": \#(list(names("x", many).map { "{\"name\": \($0)}" }))}}"#),
    ("/graph/outputs", #"{"graph": {"nodes": [], "outputs": \#(list(names("x", many)))}}"#),
    ("/outputs", #"{"graph": {"nodes": []}, "outputs": \#(list(names("x", many)))}"#),
    ("/of", #"{"graph": {"nodes": []}, "of": \#(list(names("x", many)))}"#),
    ("/wrt", #"{"graph": {"nodes": []}, "wrt": \#(list(names("x", many)))}"#),
    ("/batch", #"{"graph": {"nodes": []}, "batch": \#(list(names("x", many)))}"#),
    (
      "/graph/nodes/1/outputs",
      #"{"graph": {"nodes": [\#(node), {"op": "split", "inputs": ["x"], "outputs": \#(list(names("z", 100)))}]}, "inputs": {"x": 1}}"#
    ),
    (
      "/graph/nodes/0/inputs",
      #"{"graph": {"nodes": [{"op": "concat", "inputs": \#(list(names("z", many))), "outputs": ["y"]}]}, "inputs": {"x": 1}}"#
    ),
  ]

  @Test(arguments: manyNamed.indices)
  func manyNamesAreRefused(index: Int) {
    let (pointer, body) = RequestSizeTests.manyNamed[index]
    for plans in [nil, PlanCache(plans: 4, bytes: 1 << 20)] {
      var server = InProcessServer(plans: plans)
      server.limits.nodes = 100
      let refused = server.evaluate(body)
      #expect(refused.status == 413 && refused.json["reason"] as? String == "too_many_nodes", "\(refused.body.string)")
      #expect(refused.json["limit"] as? Int == 100 && refused.json["value"] as? Int == RequestSizeTests.many)
      #expect(refused.json["pointer"] as? String == pointer)
      // One more is allowed: then there is something else to say, or nothing.
      server.limits.nodes = RequestSizeTests.many
      #expect(server.evaluate(body).json["reason"] == nil)
    }
  }

  /// A graph too long to be copied is planned each time, and answered all the same.
  @Test func longGraphsAreNotKept() {
    let blanks = String(repeating: " ", count: 17 << 20)
    let server = InProcessServer(plans: PlanCache(plans: 4, bytes: 1 << 30))
    let body = #"{"graph": {"nodes": [\#(RequestSizeTests.node)]\#(blanks)}, "inputs": {"x": 1}}"#
    for _ in 0..<2 {
      let response = server.evaluate(body)
      #expect(response.status == 200)
      #expect(response.headers.contains { $0.name == "Server-Timing" && $0.value.contains("miss") })
    }
  }

  // MARK: Answers

  /// Nobody waits any more: what is being written ends.
  @Test(arguments: TensorEncoder.Form.allCases)
  func writingEndsWhenInterrupted(form: TensorEncoder.Form) {
    let type = TensorType(.float64, [300, 1000])
    let numbers = [Double](repeating: 0.5, count: type.elementCount)
    let interruption = Interruption()
    func written(_ interruption: Interruption?) -> Data? {
      numbers.withUnsafeBytes { bytes in
        guard let base = bytes.baseAddress else { return nil }
        let template = AnswerTemplate(
          text: ByteBuffer("{}"), fields: [.init(textEnd: 1, result: 0, type: type)], pointers: ["/y"],
          encoder: TensorEncoder(form: form), warnings: [], dataByteCount: 0)
        let (answer, piecewise) = (ByteBuffer(), ByteBuffer())
        var progress = AnswerTemplate.Progress()
        let whole: Void? = try? template.write(&progress, to: answer, until: .max, from: base, [0], [], interruption)
        if whole == nil { return nil }
        // The same in pieces.
        progress = AnswerTemplate.Progress()
        let piece = ByteBuffer()
        while !progress.isAtEnd {
          piece.removeAll()
          let more: Void? = try? template.write(&progress, to: piece, until: 1000, from: base, [0], [], interruption)
          if more == nil { return nil }
          #expect(piece.count <= 1000 + 64 * 30 + 16)
          piecewise.append(piece.bytes)
        }
        #expect(Data(piecewise.bytes) == Data(answer.bytes))
        return Data(answer.bytes)
      }
    }
    let complete = written(interruption)
    #expect(complete != nil && complete == written(nil))
    interruption.interrupt()
    #expect(written(interruption) == nil)
    let json = ByteBuffer()
    numbers.withUnsafeBytes { bytes in
      if let base = bytes.baseAddress { TensorEncoder(form: form).appendData(type, base, to: json, interruption) }
    }
    #expect(json.count < 100)
  }

  /// It is planned on the compute pool the first time; that its numbers cannot be read the second time makes it no
  /// larger.
  /// Nor is it mistaken for a large tensor where as many elements are allowed as nodes on a socket thread.
  @Test(arguments: [Limits().elements, 10_000]) func aGraphThatGrowsIsNotTooLargeForItsNumbers(elements: Int) {
    func node(_ op: String, _ inputs: String, _ output: String) -> String {
      "{\"op\": \"\(op)\", \"inputs\": [\(inputs)], \"outputs\": [\"\(output)\"]}"
    }
    var nodes = [node("sum", "\"x\"", "v0")]
    nodes += (0..<300).map { node("sin", "\"v\($0)\"", "v\($0 + 1)") }
    // Most of what grows here is not needed for the output, so that the plan itself is brief and runs where it was
    // read.
    nodes += (200...300).map { node("grad", "\"v\($0)\", \"v0\"", "d\($0)") }
    var server = InProcessServer(plans: PlanCache(plans: 8, bytes: 1 << 30))
    server.limits.elements = elements
    // The cotangents are read after the graph.
    func post(cotangent: String) -> Response {
      let graph = "{\"nodes\": [\(nodes.joined(separator: ","))], \"outputs\": [\"d300\"]}"
      return server.evaluate(
        "{\"graph\": \(graph), \"inputs\": {\"x\": [0.5, 0.25]}, \"cotangents\": {\"d300\": \(cotangent)}}")
    }
    #expect(post(cotangent: "1").status == 200)
    let refused = post(cotangent: "1e400")
    #expect(refused.status == 400, "\(refused.body.string)")
  }
}
