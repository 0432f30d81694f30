import AutogradCore
import AutogradTestSupport
import Foundation
import Testing

@testable import AutogradServer

/// Requests known by their text are answered, and refused, like any other.
@Suite struct BodySkeletonTests {
  private func recalled(_ pair: HandlerPair) -> Int { pair.plans.counters.recalled.value }

  private func body(_ data: String) -> Data {
    Data(
      """
      {"inputs": {"x": \(data), "s": {"data": 2.5, "dtype": "float32"}}, "graph": {"nodes": [
        {"op": "mul", "inputs": ["x", "x"], "outputs": ["y"]}, {"op": "mul", "inputs": ["s", 2], "outputs": ["t"]}]}, "gradients": false}
      """.utf8)
  }

  static let shapes = ["%", "[1, %]", "[[1,%],[ 3 ,\n4]]", "[%]", "[[%], [7]]"]

  /// Every kind of number and of what is none, at a place where a number was.
  @Test(arguments: shapes, ["float64", "float32", "int64", "int32"])
  func anythingWhereANumberWas(_ shape: String, _ dtype: String) {
    let texts = [
      "2", "-3", "0", "-0", "00", "01", "1.5", "-1.25", "1.", ".5", "+1", "1e3", "1E+2", "1e", "1e+", "1e-400", "1e400",
      "-1e400", "1.0",
      "0.0",
      "-0.0", "9007199254740992", "9007199254740993", "-9007199254740993", "9223372036854775807", "9223372036854775808",
      "2147483647",
      "2147483648", "-2147483648", "-2147483649", "3.4028235e38", "3.4028236e38", "1e39",
      "1.00000005960464477539062500000000001",
      "1.000000059604644775390625", "0.1000000000000000055511151231257827021181583404541015625",
      "123456789012345678901234567890", "1e-46",
      "2 ", " 2", "2\n", "\t2", "2,", ",2", "2, 3", "[2]", "[]", "", "NaN", "\"NaN\"", "\"Infinity\"", "\"2\"", "true",
      "false", "null",
      "{}", "2]", "2}", "2a", "2/**/", "0x10", "1_000", "\u{FF12}", "2\u{0}", "--2", "2-", "2.5.5", "2e5e5",
    ]
    let pair = HandlerPair()
    func request(_ text: String) -> Data {
      body("{\"data\": \(shape.replacingOccurrences(of: "%", with: text)), \"dtype\": \"\(dtype)\"}")
    }
    #expect(pair.compare(.evaluate, request("5"), "first") == 200)
    #expect(recalled(pair) == 1)
    for text in texts {
      pair.compare(.evaluate, request(text), text)
      // The skeleton stays the one of before.
      let before = recalled(pair)
      pair.compare(.evaluate, request("6"), "between")
      #expect(recalled(pair) == before + 3, "\(text)")
    }
  }

  @Test(arguments: [UInt64(1), 2, 3])
  func damagedRequestsAreAnsweredAlike(_ seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let requests = try ["tutorial", "operations", "random_graphs_float32"].flatMap { file in
      try Project.lines("Tests/Fixtures/\(file).jsonl").map { line in
        try line.withDocument { Array($0.root["request"]?.data ?? Data()) }
      }
    }
    let junk = Array("0123456789.-+eE,[]{}\": \nntf".utf8)
    var found = 0
    for _ in 0..<20 {
      let body = requests[Int(random.next() % UInt64(requests.count))]
      let pair = HandlerPair()
      pair.compare(.evaluate, Data(body), "whole")
      for _ in 0..<40 {
        var damaged = body
        for _ in 0..<(1 + random.next() % 2) {
          let place = Int(random.next() % UInt64(damaged.count))
          let byte = junk[Int(random.next() % UInt64(junk.count))]
          switch random.next() % 4 {
          case 0: damaged.insert(byte, at: place)
          case 1: damaged.remove(at: place)
          case 2: damaged[place] = byte
          default:
            // A digit for a digit: mostly the same request with other numbers.
            guard let digit = damaged[place...].firstIndex(where: { $0 >= 0x30 && $0 <= 0x39 }) else { continue }
            damaged[digit] = 0x30 + UInt8(random.next() % 10)
          }
        }
        pair.compare(.evaluate, Data(damaged), String(decoding: damaged, as: UTF8.self))
      }
      found += recalled(pair)
    }
    #expect(found > 80)
  }

  @Test func whatIsNotOnlyNumbersIsNotKept() {
    let constant =
      #"{"graph": {"nodes": [{"op": "mul", "inputs": ["x", "k"], "outputs": ["y"]}], "constants": {"k": [1, 2]}}, "#
      + #""inputs": {"x": 2}}"#
    let truth =
      #"{"graph": {"nodes": [{"op": "logical_not", "inputs": ["x"], "outputs": ["y"]}]}, "inputs": {"x": [true, "#
      + #"false]}}"#
    let text = #"{"graph": {"nodes": [{"op": "sin", "inputs": ["x"], "outputs": ["y"]}]}, "inputs": {"x": [1, "NaN"]}}"#
    let bytes =
      #"{"graph": {"nodes": [{"op": "sin", "inputs": ["x"], "outputs": ["y"]}]}, "inputs": {"x": {"dtype": "#
      + #""float32", "shape": [1], "encoding": "base64", "data": "AACAPw=="}}}"#
    for body in [constant, truth, text, bytes] {
      let pair = HandlerPair()
      #expect(pair.compare(.evaluate, Data(body.utf8), body) == 200)
      #expect(recalled(pair) == 0, "\(body)")
    }
  }

  @Test func anEndpointHasItsOwn() {
    let pair = HandlerPair()
    let body = Data(
      #"{"graph": {"nodes": [{"op": "square", "inputs": ["x"], "outputs": ["y"]}]}, "inputs": {"x": [1, 2]}}"#.utf8)
    for endpoint in [Endpoint.evaluate, .jacobian, .evaluate, .hessian] { pair.compare(endpoint, body, "\(endpoint)") }
    #expect(recalled(pair) > 0)
  }

  /// More graphs than are remembered, in turns: each is answered as ever, and the memory goes to those of now.
  @Test func manyGraphsInTurns() {
    let pair = HandlerPair()
    func body(_ graph: Int, _ x: Int) -> Data {
      Data(
        #"{"graph": {"nodes": [{"op": "add", "inputs": ["x", \#(graph)], "outputs": ["y"]}]}, "inputs": {"x": \#(x)}}"#
          .utf8)
    }
    for turn in 0..<10 {
      for graph in 0..<10 { pair.compare(.evaluate, body(graph, turn), "\(graph)") }
    }
    for turn in 0..<80 { pair.compare(.evaluate, body(77, turn), "77") }
    let before = recalled(pair)
    pair.compare(.evaluate, body(77, 1000), "77")
    #expect(recalled(pair) == before + 3)
  }
}
