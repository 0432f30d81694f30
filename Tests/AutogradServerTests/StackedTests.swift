import AutogradFormats
import AutogradHTTP
import Foundation
import Testing

@testable import AutogradServer

/// `stacked`: the blocks of a Jacobian or a Hessian as one matrix.
@Suite struct StackedTests {
  private static let graph = """
    {"nodes": [
      {"op": "matmul", "inputs": ["w", "x"], "outputs": ["h"]}, {"op": "exp", "inputs": ["h"], "outputs": ["y"]},
      {"op": "mul", "inputs": ["s", "s"], "outputs": ["q"]}, {"op": "mul", "inputs": ["q", "y"], "outputs": ["z"]}],
     "outputs": ["y", "z"]}
    """
  private static let inputs = #"{"w": [[0.5, -0.25], [1.0, 0.125], [0.3, 0.7]], "x": [0.2, -0.4], "s": 1.5}"#

  private func post(_ endpoint: Endpoint, _ members: String, inputs: String = Self.inputs) throws -> JSON {
    let body = #"{"graph": \#(Self.graph), "inputs": \#(inputs), "encoding": "values"\#(members)}"#
    let response = InProcessServer().send("POST", "/v1/\(endpoint.rawValue)", body: Data(body.utf8))
    #expect(response.status == 200, "\(response.body.string)")
    return try JSON(Data(response.body.string.utf8))
  }

  /// All numbers of nested lists.
  private func flat(_ value: JSON?) -> [Double] {
    guard let value else { return [] }
    switch value {
    case .double(let number): return [number]
    case .integer(let number): return [Double(number)]
    default: return value.elements.flatMap { flat($0) }
    }
  }

  private static let names = ["s", "w", "x"]
  private static let sizes = ["s": 1, "w": 6, "x": 2]
  private static let wrt = #", "wrt": ["s", "w", "x"]"#

  @Test func hessianIsTheBlocksBesideOneAnother() throws {
    let (stacked, blocks) = (
      try post(.hessian, Self.wrt + #", "stacked": true"#), try post(.hessian, Self.wrt)
    )
    #expect(stacked["hessians"] == nil && stacked["gradients"] == nil)
    #expect(stacked["hessian"]?.elements.count == 9)
    #expect(flat(stacked["gradient"]) == Self.names.flatMap { flat(blocks["gradients"]?[$0]) })
    let rows = (stacked["hessian"]?.elements ?? []).map { flat($0) }
    var row = 0
    for name in Self.names {
      let size = try #require(Self.sizes[name])
      for element in 0..<size {
        let expected = Self.names.flatMap { column in
          let (block, width) = (flat(blocks["hessians"]?[name]?[column]), Self.sizes[column] ?? 0)
          return Array(block[(element * width)..<((element + 1) * width)])
        }
        #expect(rows[row] == expected, "\(name), \(element)")
        row += 1
      }
    }
    #expect(
      stacked["rows"]
        == (try JSON(
          Data(
            """
            [{"name": "s", "shape": [], "start": 0}, {"name": "w", "shape": [3, 2], "start": 1},
             {"name": "x", "shape": [2], "start": 7}]
            """.utf8))))
  }

  @Test func jacobianHasARowForEachOutput() throws {
    let (stacked, blocks) = (
      try post(.jacobian, Self.wrt + #", "stacked": true"#), try post(.jacobian, Self.wrt)
    )
    let rows = (stacked["jacobian"]?.elements ?? []).map { flat($0) }
    #expect(rows.count == 6 && rows.allSatisfy { $0.count == 9 })
    for (first, name) in [(0, "y"), (3, "z")] {
      for element in 0..<3 {
        let expected = Self.names.flatMap { column in
          let (block, width) = (flat(blocks["jacobians"]?[name]?[column]), Self.sizes[column] ?? 0)
          return Array(block[(element * width)..<((element + 1) * width)])
        }
        #expect(rows[first + element] == expected, "\(name), \(element)")
      }
    }
    #expect(stacked["rows"]?.elements.map { $0["start"]?.integer } == [0, 3])
    #expect(stacked["columns"]?.elements.map { $0["name"]?.string } == Self.names)
  }

  @Test func eachExampleOfABatchHasItsMatrix() throws {
    let batched = #"{"w": [[0.5, -0.25], [1.0, 0.125], [0.3, 0.7]], "x": [[0.2, -0.4], [0.1, 0.3]], "s": 1.5}"#
    let stacked = try post(
      .hessian, #", "batch": ["x"], "per_example": true, "stacked": true"# + Self.wrt, inputs: batched)
    let single = try post(.hessian, Self.wrt + #", "stacked": true"#)
    #expect(stacked["hessian"]?.elements.count == 2)
    #expect(flat(stacked["hessian"]?.elements.first) == flat(single["hessian"]))
    // Shared inputs alone: their sum over the examples.
    let summed = try post(.hessian, #", "batch": ["x"], "stacked": true, "wrt": ["s"]"#, inputs: batched)
    #expect(flat(summed["hessian"]).count == 1)
    // Of both kinds there is no one matrix.
    let body = #"{"graph": \#(Self.graph), "inputs": \#(batched), "batch": ["x"], "stacked": true}"#
    let refused = InProcessServer().send("POST", "/v1/hessian", body: Data(body.utf8))
    #expect(refused.status == 400 && refused.body.string.contains("per_example"), "\(refused.body.string)")
  }

  @Test func nothingToStackIsAnEmptyMatrix() throws {
    let none = try post(.jacobian, #", "wrt": [], "stacked": true"#)
    #expect(none["jacobian"]?.elements.count == 6)
    #expect(none["columns"]?.elements.isEmpty == true)
  }

  @Test func safetensorsHasTheMatrixAndItsOrder() throws {
    let body = #"{"graph": \#(Self.graph), "inputs": \#(Self.inputs), "stacked": true}"#
    let response = InProcessServer().send(
      "POST", "/v1/hessian", body: Data(body.utf8), accept: "application/vnd.safetensors")
    #expect(response.status == 200)
    let text = response.body.string
    #expect(text.contains(#""hessian": {"dtype": "F64", "shape": [9, 9]"#) && text.contains(#""rows": "[{\"name\""#))
  }
}

/// Numbers of an answer that are not finite are pointed out.
@Suite struct NonFiniteTests {
  private func post(_ x: String, _ members: String = "", accept: String? = nil) -> String {
    let graph = #"{"nodes": [{"op": "log", "inputs": ["x"], "outputs": ["y"]}]}"#
    return InProcessServer().send(
      "POST", "/v1/evaluate", body: Data(#"{"graph": \#(graph), "inputs": {"x": \#(x)}\#(members)}"#.utf8),
      accept: accept
    ).body.string
  }

  @Test(arguments: ["[1, 0]", #"{"dtype": "float32", "data": [1, 0]}"#])
  func theyAreWarnedOf(_ x: String) {
    for _ in 0..<4 {
      let answer = post(x)
      #expect(answer.contains(#""code": "non_finite", "pointer": "/outputs/y""#), "\(answer)")
      #expect(answer.contains(#""code": "non_finite", "pointer": "/gradients/x""#), "\(answer)")
    }
    let file = post(x, accept: "application/vnd.safetensors")
    #expect(file.contains(#"\"code\": \"non_finite\", \"pointer\": \"/gradients/x\""#), "\(file)")
  }

  /// Whoever sends such a number knows of it.
  @Test(arguments: ["[1, 2]", #"[1, "NaN"]"#, #"[0, "Infinity"]"#, "[]"])
  func elseThereIsNoWord(_ x: String) { #expect(!post(x).contains("non_finite")) }

  @Test func diagnoseNamesTheFirstValue() {
    let graph = """
      {"nodes": [{"op": "add", "inputs": ["s", 1], "outputs": ["y"]}, {"op": "sqrt", "inputs": ["d"], "outputs": "s"},
       {"op": "sub", "inputs": ["x", 2], "outputs": ["d"]}]}
      """
    func warnings(_ x: String, _ members: String = "") -> String {
      let body = #"{"graph": \#(graph), "inputs": {"x": \#(x)}, "diagnose": true\#(members)}"#
      return InProcessServer().send("POST", "/v1/evaluate", body: Data(body.utf8)).body.string
    }
    let first = warnings("[2.5, 1.5]")
    #expect(
      first.contains(#"{"code": "first_non_finite", "pointer": "/graph/nodes/1", "detail": "s is the first value "#),
      "\(first)")
    #expect(first.contains("NaN at [1]"))
    #expect(warnings("[[2.5], [1.5]]", #", "batch": ["x"]"#).contains("NaN at [1, 0]"))
    #expect(warnings("2").contains("what is not is a derivative"))
    #expect(!warnings("3").contains("finite"))
    #expect(warnings(#""Infinity""#).contains(#""pointer": "/graph/nodes/2""#), "d is the first")
  }

  /// The pointer of a safetensors answer is that of the JSON answer, and the header says how long it is.
  @Test func warningsOfFilesAreWhole() throws {
    let graph = #"{"nodes": [{"op": "log", "inputs": ["x"], "outputs": ["a/b~c"]}]}"#
    let response = InProcessServer().send(
      "POST", "/v1/evaluate", body: Data(#"{"graph": \#(graph), "inputs": {"x": [0, 1]}}"#.utf8),
      accept: "application/vnd.safetensors")
    let bytes = Data(response.body.bytes)
    let length = bytes.prefix(8).enumerated().reduce(0) { $0 | Int($1.element) << (8 * $1.offset) }
    try #require(length > 0 && length <= bytes.count - 8)
    let header = try JSON(bytes.dropFirst(8).prefix(length))
    let warnings = try #require(header["__metadata__"]?["warnings"]?.string)
    #expect(warnings.contains(#""pointer": "/outputs/a~1b~0c""#), "\(warnings)")
  }

  /// Computing all values once more is work for the compute pool, however small the answer's own plan is.
  @Test func diagnosingIsNeverDoneAtOnce() {
    let body = #"{"graph": {"nodes": [{"op": "log", "inputs": ["x"], "outputs": ["y"]}]}, "inputs": {"x": 0}"#
    func isLater(_ members: String) -> Bool {
      Data((body + members + "}").utf8).withUnsafeBytes { bytes in
        let request = Request(method: "POST", path: "/v1/evaluate", id: "test", body: bytes)
        if case .later = DifferentialHandler(limits: Limits()).reply(to: request, .evaluate) { return true }
        return false
      }
    }
    #expect(!isLater("") && isLater(#", "diagnose": true"#))
  }
}
