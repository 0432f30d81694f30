import Foundation
import Testing

@testable import AutogradFormats
@testable import AutogradServer

/// Files that are wrong are refused with a problem that says how, and never with a fault of the server's.
@Suite struct SafetensorsRefusalTests {
  private let server = InProcessServer()

  private static let graph = #"{\"nodes\": [{\"op\": \"mul\", \"inputs\": [\"x\", \"w\"], \"outputs\": [\"y\"]}]}"#
  private static let good = #""__metadata__": {"graph": "\#(graph)"}"#
  private static let x = #""x": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}"#
  private static let w = #""w": {"dtype": "F32", "shape": [2], "data_offsets": [8, 16]}"#

  struct Case: CustomTestStringConvertible {
    var name: String
    var body: Data
    var status: Int
    var code: String
    var pointer: String?
    var words = ""
    var endpoint = "evaluate"
    var testDescription: String { name }
  }

  /// The good file with another header, 16 bytes of data unless told otherwise.
  private static func file(
    _ name: String, _ header: String, _ status: Int, _ code: String, _ pointer: String?, _ words: String = "",
    bytes: Int = 16,
    endpoint: String = "evaluate"
  ) -> Case {
    Case(
      name: name, body: TestFile.raw(header, Data(count: bytes)), status: status, code: code, pointer: pointer,
      words: words,
      endpoint: endpoint)
  }

  /// The good file with another entry for x.
  private static func entry(
    _ name: String, _ entry: String, _ status: Int, _ code: String, _ pointer: String?, _ words: String = ""
  ) -> Case {
    file(name, "{\(good), \(w), \"x\": \(entry)}", status, code, pointer, words)
  }

  /// The good file with more in its metadata.
  private static func metadata(
    _ name: String, _ members: String, _ status: Int, _ code: String, _ pointer: String?, _ words: String = "",
    endpoint: String = "evaluate"
  ) -> Case {
    file(
      name, "{\"__metadata__\": {\"graph\": \"\(graph)\", \(members)}, \(x), \(w)}", status, code, pointer, words,
      endpoint: endpoint)
  }

  private static let frames: [Case] = [
    Case(name: "nothing", body: Data(), status: 400, code: "invalid_json", pointer: "", words: "eight bytes"),
    Case(
      name: "seven bytes", body: Data(count: 7), status: 400, code: "invalid_json", pointer: "", words: "eight bytes"),
    Case(
      name: "no header", body: Data(count: 8), status: 400, code: "invalid_json", pointer: "", words: "starts with {"),
    Case(
      name: "JSON", body: Data(#"{"graph": {"nodes": []}}"#.utf8), status: 400, code: "invalid_json", pointer: "",
      words: "application/json"
    ),
    Case(
      name: "all ones", body: Data(repeating: 0xFF, count: 64), status: 400, code: "invalid_json", pointer: "",
      words: "18446744073709551615"),
    Case(
      name: "largest signed length", body: TestFile.raw("{}", length: UInt64(Int.max)), status: 400,
      code: "invalid_json", pointer: "",
      words: "is said to have"),
    Case(
      name: "one too long", body: TestFile.raw("{}", length: 3), status: 400, code: "invalid_json", pointer: "",
      words: "3 bytes, the body has 2"),
    Case(
      name: "cut", body: TestFile.raw("{\(good), \(x)", Data(), length: 40), status: 400, code: "invalid_json",
      pointer: ""),
    file("blank first", " {\(good), \(x), \(w)}", 400, "invalid_json", "", "starts with {"),
    file("a list", "[]", 400, "invalid_json", "", "starts with {", bytes: 0),
    file("text behind", "{\(good), \(x), \(w)} x", 400, "invalid_json", "", "safetensors header"),
    file("single quotes", "{'x': 1}", 400, "invalid_json", "", bytes: 0),
    file("duplicate tensor", "{\(good), \(x), \(x), \(w)}", 400, "duplicate_key", "/x"),
    file("duplicate metadata", "{\(good), \(good), \(x), \(w)}", 400, "duplicate_key", "/__metadata__"),
    file("too deep", "{\(String(repeating: "\"a\": {", count: 300))", 400, "too_deep", nil),
    file("no graph", "{\(x), \(w)}", 400, "missing_member", "", "graph"),
    file("empty header", "{}", 400, "missing_member", "", "graph", bytes: 0),
    file(
      "data too short", "{\(good), \(x), \(w)}", 400, "invalid_json", "/inputs/w", "not within the 15 bytes",
      bytes: 15),
    file("data too long", "{\(good), \(x), \(w)}", 400, "invalid_json", "", "the body has 17", bytes: 17),
    file("data without tensors", "{\(good)}", 400, "invalid_json", "", "have 0 bytes"),
  ]

  private static let entries: [Case] = [
    entry("a number", "3", 400, "wrong_type", "/inputs/x", "an object with dtype"),
    entry("no dtype", #"{"shape": [2], "data_offsets": [0, 8]}"#, 400, "missing_member", "/inputs/x"),
    entry("no shape", #"{"dtype": "F32", "data_offsets": [0, 8]}"#, 400, "missing_member", "/inputs/x"),
    entry("no offsets", #"{"dtype": "F32", "shape": [2]}"#, 400, "missing_member", "/inputs/x"),
    entry(
      "misspelt", #"{"dtype": "F32", "shape": [2], "offsets": [0, 8]}"#, 400, "unknown_member", "/inputs/x/offsets",
      "data_offsets"),
    entry(
      "half precision", #"{"dtype": "F16", "shape": [4], "data_offsets": [0, 8]}"#, 400, "wrong_type",
      "/inputs/x/dtype", "to F32"),
    entry(
      "brain floats", #"{"dtype": "BF16", "shape": [4], "data_offsets": [0, 8]}"#, 400, "wrong_type", "/inputs/x/dtype",
      "BF16"),
    entry(
      "bytes", #"{"dtype": "U8", "shape": [8], "data_offsets": [0, 8]}"#, 400, "wrong_type", "/inputs/x/dtype", "to I32"
    ),
    entry(
      "unsigned", #"{"dtype": "U64", "shape": [1], "data_offsets": [0, 8]}"#, 400, "wrong_type", "/inputs/x/dtype",
      "to I64"),
    entry(
      "complex", #"{"dtype": "C64", "shape": [1], "data_offsets": [0, 8]}"#, 400, "wrong_type", "/inputs/x/dtype",
      "imaginary"),
    entry(
      "our own name", #"{"dtype": "float32", "shape": [2], "data_offsets": [0, 8]}"#, 400, "wrong_type",
      "/inputs/x/dtype", "as F32"),
    entry(
      "lower case", #"{"dtype": "f32", "shape": [2], "data_offsets": [0, 8]}"#, 400, "wrong_type", "/inputs/x/dtype"),
    entry(
      "dtype a number", #"{"dtype": 32, "shape": [2], "data_offsets": [0, 8]}"#, 400, "wrong_type", "/inputs/x/dtype"),
    entry(
      "shape a number", #"{"dtype": "F32", "shape": 2, "data_offsets": [0, 8]}"#, 400, "wrong_type", "/inputs/x/shape"),
    entry(
      "shape of text", #"{"dtype": "F32", "shape": ["2"], "data_offsets": [0, 8]}"#, 400, "wrong_type",
      "/inputs/x/shape/0"),
    entry(
      "shape of fractions", #"{"dtype": "F32", "shape": [1.5], "data_offsets": [0, 8]}"#, 400, "wrong_type",
      "/inputs/x/shape/0"),
    entry(
      "negative size", #"{"dtype": "F32", "shape": [-2], "data_offsets": [0, 8]}"#, 400, "wrong_type",
      "/inputs/x/shape/0"),
    entry(
      "too many axes", #"{"dtype": "F32", "shape": [1,1,1,1,1,1,1,1,2], "data_offsets": [0, 8]}"#, 413,
      "limit_exceeded", "/inputs/x/shape"),
    entry(
      "sizes overflow", #"{"dtype": "F32", "shape": [4294967296, 4294967296], "data_offsets": [0, 8]}"#, 413,
      "limit_exceeded",
      "/inputs/x/shape"),
    entry(
      "overflow beside zero", #"{"dtype": "F32", "shape": [0, 9223372036854775807, 9], "data_offsets": [0, 0]}"#, 413,
      "limit_exceeded",
      "/inputs/x/shape"),
    entry(
      "sizes beyond integers", #"{"dtype": "F32", "shape": [1e30], "data_offsets": [0, 8]}"#, 400, "wrong_type",
      "/inputs/x/shape/0"),
    entry(
      "shape too large", #"{"dtype": "F32", "shape": [3], "data_offsets": [0, 8]}"#, 422, "shape_mismatch", "/inputs/x",
      "12 bytes"),
    entry(
      "wider dtype", #"{"dtype": "F64", "shape": [2], "data_offsets": [0, 8]}"#, 422, "shape_mismatch", "/inputs/x",
      "16 bytes"),
    entry(
      "offset not whole", #"{"dtype": "F32", "shape": [2], "data_offsets": [0, 8.5]}"#, 400, "wrong_type", "/inputs/x"),
    entry("one offset", #"{"dtype": "F32", "shape": [2], "data_offsets": [8]}"#, 400, "wrong_type", "/inputs/x"),
    entry(
      "three offsets", #"{"dtype": "F32", "shape": [2], "data_offsets": [0, 4, 8]}"#, 400, "wrong_type", "/inputs/x"),
    entry("offsets an object", #"{"dtype": "F32", "shape": [2], "data_offsets": {}}"#, 400, "wrong_type", "/inputs/x"),
    entry(
      "negative offset", #"{"dtype": "F32", "shape": [2], "data_offsets": [-8, 0]}"#, 400, "invalid_json", "/inputs/x",
      "not within"),
    entry(
      "backwards", #"{"dtype": "F32", "shape": [2], "data_offsets": [8, 0]}"#, 400, "invalid_json", "/inputs/x",
      "not within"),
    entry(
      "beyond the data", #"{"dtype": "F32", "shape": [2], "data_offsets": [16, 24]}"#, 400, "invalid_json", "/inputs/x",
      "not within"),
    entry(
      "offset of 2^63", #"{"dtype": "F32", "shape": [2], "data_offsets": [0, 9223372036854775807]}"#, 400,
      "invalid_json", "/inputs/x",
      "not within"),
    entry(
      "a size with a point", #"{"dtype": "F32", "shape": [2.0], "data_offsets": [0, 8]}"#, 400, "wrong_type",
      "/inputs/x/shape/0", "digits"),
    entry(
      "a size with an exponent", #"{"dtype": "F32", "shape": [1, 2e0], "data_offsets": [0, 8]}"#, 400, "wrong_type",
      "/inputs/x/shape/1"),
    entry(
      "a size of -0", #"{"dtype": "F32", "shape": [2, -0], "data_offsets": [0, 0]}"#, 400, "wrong_type",
      "/inputs/x/shape/1"),
    entry(
      "an offset with a point", #"{"dtype": "F32", "shape": [2], "data_offsets": [0.0, 8]}"#, 400, "wrong_type",
      "/inputs/x", "digits"),
    entry(
      "an offset with an exponent", #"{"dtype": "F32", "shape": [2], "data_offsets": [0, 8E0]}"#, 400, "wrong_type",
      "/inputs/x"),
    entry(
      "an offset of -0", #"{"dtype": "F32", "shape": [2], "data_offsets": [-0, 8]}"#, 400, "wrong_type", "/inputs/x"),
    entry(
      "offset beyond integers", #"{"dtype": "F32", "shape": [2], "data_offsets": [0, 1e300]}"#, 400, "wrong_type",
      "/inputs/x"),
    entry(
      "overlap", #"{"dtype": "F32", "shape": [2], "data_offsets": [4, 12]}"#, 400, "invalid_json", "/inputs/x",
      "leave a gap"),
    entry(
      "the same data", #"{"dtype": "F32", "shape": [2], "data_offsets": [8, 16]}"#, 400, "invalid_json", "/inputs/w",
      "leave a gap"),
    entry(
      "gap", #"{"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}"#, 400, "invalid_json", "/inputs/w", "leave a gap"
    ),
    entry(
      "overlap behind", #"{"dtype": "F32", "shape": [3], "data_offsets": [0, 12]}"#, 400, "invalid_json", "/inputs/w",
      "overlap"),
    file(
      "empty name", "{\(good), \(w), \"\": {\"dtype\": \"F32\", \"shape\": [2], \"data_offsets\": [0, 8]}}", 400,
      "wrong_type", "/inputs/"),
    file(
      "bool bytes",
      #"{"__metadata__": {"graph": "{\"nodes\": [{\"op\": \"logical_not\", \"inputs\": [\"x\"], \"outputs\": "#
        + #"[\"y\"]}]}"}, "x": {"dtype": "BOOL", "shape": [8], "data_offsets": [0, 8]}, "w": {"dtype": "BOOL", "#
        + #""shape": [8], "data_offsets": [8, 16]}}"#,
      200, "", nil),
  ]

  private static let members: [Case] = [
    file("metadata a text", "{\"__metadata__\": \"graph\", \(x), \(w)}", 400, "wrong_type", "/__metadata__"),
    file(
      "graph an object", "{\"__metadata__\": {\"graph\": {\"nodes\": []}}, \(x), \(w)}", 400, "wrong_type", "/graph",
      "are strings"),
    file(
      "graph not JSON", "{\"__metadata__\": {\"graph\": \"{y = x * w\"}, \(x), \(w)}", 400, "invalid_json", "/graph",
      "JSON text"),
    file("graph empty", "{\"__metadata__\": {\"graph\": \"\"}, \(x), \(w)}", 400, "invalid_formula", "/graph"),
    file(
      "graph with two members", #"{"__metadata__": {"graph": "{\"nodes\": []}, \"wrt\": []"}}"#, 400, "invalid_json",
      "/graph", bytes: 0),
    file(
      "graph closing early", #"{"__metadata__": {"graph": "{\"nodes\": []}}"}}"#, 400, "invalid_json", "/graph",
      bytes: 0),
    file(
      "graph with a key twice", #"{"__metadata__": {"graph": "{\"nodes\": [], \"nodes\": []}"}}"#, 400, "duplicate_key",
      "/graph/nodes",
      bytes: 0),
    file("graph a list", #"{"__metadata__": {"graph": "[null]"}}"#, 400, "invalid_formula", "/graph", bytes: 0),
    file(
      "constants from the file",
      #"{"__metadata__": {"graph": "{\"nodes\": [], \"constants\": {\"c\": {\"dtype\": \"float32\", \"shape\": [4], "#
        + #"\"data\": [0, 16]}}, \"outputs\": [\"c\"]}"}}"#,
      422, "shape_mismatch", "/graph/constants/c/data", bytes: 0),
    file(
      "node",
      #"{"__metadata__": {"graph": "{\"nodes\": [{\"op\": \"multiply\", \"inputs\": [1], \"outputs\": [\"y\"]}]}"}}"#,
      422,
      "unknown_operation", "/graph/nodes/0/op", bytes: 0),
    metadata("unknown member", #""cotangent": "{}""#, 400, "unknown_member", "/cotangent", "cotangents"),
    metadata("inputs in metadata", #""inputs": "{}""#, 400, "unknown_member", "/inputs"),
    metadata("wrt as text", #""wrt": "x""#, 400, "invalid_json", "/wrt", "JSON text"),
    metadata("wrt of nothing", #""wrt": "[\"z\"]""#, 422, "unknown_name", "/wrt/0"),
    metadata("of for jvp", #""of": "[\"y\"]", "tangents": "{}""#, 400, "unknown_member", "/of", endpoint: "jvp"),
    metadata("dtype in quotes", #""dtype": "\"float32\"""#, 400, "wrong_type", "/dtype"),
    metadata("dtype of the format", #""dtype": "F32""#, 400, "wrong_type", "/dtype"),
    metadata("True", #""gradients": "True""#, 400, "wrong_type", "/gradients", "true or false"),
    metadata("true itself", #""gradients": true"#, 400, "wrong_type", "/gradients", "are strings"),
    metadata("per_example alone", #""per_example": "true""#, 400, "missing_member", nil, "batch"),
    metadata(
      "cotangents in metadata", #""cotangents": "{\"y\": [1, 2]}""#, 400, "wrong_type", "/cotangents", "cotangents/"),
    metadata("encoding", #""encoding": "hex""#, 400, "wrong_type", "/encoding"),
    metadata("no tangents", #""outputs": "[\"y\"]""#, 400, "missing_member", "", "tangents", endpoint: "jvp"),
    file(
      "tangents to evaluate",
      "{\(good), \(x), \"tangents/w\": {\"dtype\": \"F32\", \"shape\": [2], \"data_offsets\": [8, 16]}}", 400,
      "unknown_member", "/tangents"),
    file(
      "cotangent of nothing",
      "{\(good), \(x), \"cotangents/z\": {\"dtype\": \"F32\", \"shape\": [2], \"data_offsets\": [8, 16]}}", 422,
      "unknown_name", nil),
    file("an input too few", "{\(good), \(x)}", 422, "unknown_name", "/graph/nodes/0/inputs/1", bytes: 8),
    file(
      "dtypes that do not mix",
      "{\(good), \(x), \"w\": {\"dtype\": \"I32\", \"shape\": [2], \"data_offsets\": [8, 16]}}", 422,
      "dtype_mismatch", nil),
  ]

  @Test(arguments: frames + entries + members)
  func malformed(_ item: Case) {
    let plans = PlanCache(plans: 10, bytes: 1 << 24)
    for server in [server, InProcessServer(plans: plans)] {
      let response = server.send(item.body, item.endpoint)
      let answer = response.json
      #expect(response.status == item.status, "\(response.body.string)")
      if item.status == 200 { continue }
      #expect(response.contentType == "application/problem+json")
      #expect(answer["code"] as? String == item.code, "\(response.body.string)")
      if let pointer = item.pointer { #expect(answer["pointer"] as? String == pointer, "\(response.body.string)") }
      #expect(item.words.isEmpty || (answer["detail"] as? String ?? "").contains(item.words), "\(response.body.string)")
    }
    #expect(plans.counters.plans.value == (item.status == 200 ? 1 : 0))
  }

  @Test func boolBytesAreZeroAndOneAlsoOnAHit() {
    let plans = PlanCache(plans: 10, bytes: 1 << 24)
    let server = InProcessServer(plans: plans)
    var file = TestFile(#"{"nodes": [{"op": "logical_not", "inputs": ["x"], "outputs": ["y"]}]}"#)
    file.append("x", "BOOL", [2], Data([0, 1]))
    #expect(server.send(file.bytes).status == 200)
    file.tensors[0].entry.data = Data([0, 2])
    let response = server.send(file.bytes)
    #expect(response.status == 400 && response.json["code"] as? String == "number_out_of_range")
    #expect(response.json["pointer"] as? String == "/inputs/x")
    #expect(plans.counters.fallbacks.value == 1)
  }

  @Test func shapesAndDtypesMustBeThoseOfWhatTheyBelongTo() {
    let graph =
      #"{"nodes": [{"op": "exp", "inputs": ["x"], "outputs": ["y"]}], "inputs": [{"name": "x", "dtype": "float32", "#
      + #""shape": [2]}]}"#
    func send(_ name: String, _ dtype: String, _ shape: [Int], _ count: Int, _ endpoint: String = "evaluate") -> (
      String?, String?
    ) {
      var file = TestFile(graph)
      if name != "x" { file.append("x", "F32", [2], [Float](repeating: 0, count: 2)) }
      file.append(name, dtype, shape, Data(count: count))
      let answer = server.send(file.bytes, endpoint).json
      return (answer["code"] as? String, answer["pointer"] as? String)
    }
    #expect(send("x", "F64", [2], 16) == ("dtype_mismatch", "/inputs/x"))
    #expect(send("x", "F32", [3], 12) == ("shape_mismatch", "/inputs/x"))
    #expect(send("z", "F32", [3], 12) == ("input_mismatch", "/inputs/z"))
    #expect(send("cotangents/y", "F64", [2], 16) == ("dtype_mismatch", "/cotangents/y"))
    #expect(send("cotangents/y", "F32", [1], 4) == ("shape_mismatch", "/cotangents/y"))
    #expect(send("tangents/x", "F64", [2], 16, "jvp") == ("dtype_mismatch", "/tangents/x"))
    #expect(send("vectors/x", "F32", [1], 4, "hvp") == ("shape_mismatch", "/vectors/x"))
    #expect(send("vectors/q", "F32", [1], 4, "hvp") == ("unknown_name", "/vectors/q"))
  }

  /// Single bytes and runs of a good file replaced, taken out and put in.
  @Test func damageIsNeverAFaultOfTheServer() throws {
    var file = TestFile(
      #"{"nodes": [{"op": "mul", "inputs": ["x", "w"], "outputs": ["h"]}, {"op": "take", "inputs": ["h", "i"], "#
        + #""outputs": ["y"]}], "outputs": ["y"]}"#,
      ["wrt": #"["x", "w"]"#, "dtype": "float32", "gradients": "true", "of": #"["y"]"#])
    file.append("x", "F32", [3], [1, 2, 3] as [Float])
    file.append("w", "F32", [3], [4, 5, 6] as [Float])
    file.append("i", "I64", [2], [0, 2] as [Int64])
    file.append("cotangents/y", "F32", [2], [1, 1] as [Float])
    let good = file.bytes
    let server = InProcessServer(plans: PlanCache(plans: 50, bytes: 1 << 22))
    try #require(server.send(good).status == 200)
    let tokens = [
      "\"", "{", "}", "[", "]", ":", ",", "-", "0", "9", "99999999999999999999", "\\", "F64", "BOOL", "data_offsets",
      "\u{0}",
      "cotangents/", "null",
    ]
    var generator = DamageGenerator(state: 0x9E37_79B9_7F4A_7C15)
    var statuses: [Int: Int] = [:]
    for turn in 0..<2000 {
      var damaged = good
      for _ in 0...Int.random(in: 0...(turn % 3), using: &generator) {
        // The first half of the turns leave the data alone: what is wrong with a file is in its header.
        let place =
          damaged.startIndex
          + Int.random(in: 0..<(turn % 2 == 0 ? damaged.count - 60 : damaged.count), using: &generator)
        switch Int.random(in: 0..<5, using: &generator) {
        case 0: damaged[place] = UInt8.random(in: 0...255, using: &generator)
        case 1: damaged[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        case 2: damaged.removeSubrange(place..<min(place + Int.random(in: 1...9, using: &generator), damaged.endIndex))
        case 3: damaged.insert(contentsOf: Data(tokens.randomElement(using: &generator)?.utf8 ?? "".utf8), at: place)
        default: damaged = damaged.prefix(max(place - damaged.startIndex, 100))
        }
      }
      // So that what lies behind the first check is reached too.
      if turn % 4 != 0, let end = damaged.lastIndex(of: UInt8(ascii: "}")) {
        let length = UInt64(end - damaged.startIndex - 7)
        damaged.replaceSubrange(
          damaged.startIndex..<(damaged.startIndex + 8), with: withUnsafeBytes(of: length) { Data($0) })
      }
      let response = server.send(damaged)
      statuses[response.status, default: 0] += 1
      if response.status >= 500 || (response.status != 200 && response.json["code"] == nil) {
        Issue.record("\(damaged.base64EncodedString()): \(response.body.string)")
      }
      if response.status == 200 { _ = try TestFile(reading: response.data) }
    }
    #expect((statuses[200] ?? 0) > 20 && (statuses[400] ?? 0) > 500 && (statuses[422] ?? 0) > 20, "\(statuses)")
  }
}

private struct DamageGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return word ^ (word >> 31)
  }
}
