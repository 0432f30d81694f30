import Testing

@testable import AutogradFormats
@testable import AutogradServer

/// Parses `text` in a buffer of just its size, and hands over the document while both live.
func parsing<Result>(
  _ text: String, maximumDepth: Int = 64, _ body: (JSONValue, JSONDocument) throws -> Result
) throws -> Result {
  // A copy of its own: a read beyond the end is then one that a sanitizer sees.
  let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: text.utf8.count, alignment: 1)
  defer { bytes.deallocate() }
  bytes.copyBytes(from: Array(text.utf8))
  let document = try JSONDocument(parsing: UnsafeRawBufferPointer(bytes), maximumDepth: maximumDepth)
  return try withExtendedLifetime(document) { try body(document.root, document) }
}

func syntaxError(_ text: String, maximumDepth: Int = 64) -> JSONSyntaxError? {
  syntaxError(Array(text.utf8), maximumDepth: maximumDepth)
}

func syntaxError(_ text: [UInt8], maximumDepth: Int = 64) -> JSONSyntaxError? {
  let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: text.count, alignment: 1)
  defer { bytes.deallocate() }
  bytes.copyBytes(from: text)
  do throws(JSONSyntaxError) {
    _ = try JSONDocument(parsing: UnsafeRawBufferPointer(bytes), maximumDepth: maximumDepth)
    return nil
  } catch {
    return error
  }
}

@Suite("JSON document")
struct JSONDocumentTests {
  @Test("values know their text, kind and members")
  func values() throws {
    let text =
      #" {"graph": {"nodes": [], "deep": [[{"k": [1, 2]}, 3], "x"]}, "n": -2.50, "s": "a\u0062", "t": true, "z": "#
      + #"null} "#
    try parsing(text) { root, _ in
      #expect(root.kind == .object)
      #expect(root.count == 5)
      #expect(root.members.map(\.key.string) == ["graph", "n", "s", "t", "z"])
      let graph = try #require(root["graph"])
      #expect(graph.members.map(\.value.kind) == [.array, .array])
      #expect(graph["nodes"]?.count == 0)
      let deep = try #require(graph["deep"])
      #expect(deep.elements.map(\.kind) == [.array, .string])
      #expect(String(decoding: deep.text, as: UTF8.self) == #"[[{"k": [1, 2]}, 3], "x"]"#)
      #expect(root["n"].map { String(decoding: $0.text, as: UTF8.self) } == "-2.50")
      #expect(root["s"]?.string == "ab")
      #expect(root["s"].map { String(decoding: $0.text, as: UTF8.self) } == #""a\u0062""#)
      #expect(root["missing"] == nil)
      #expect(root["graph_"] == nil)
      #expect(root["n"]?["n"] == nil)
    }
  }

  @Test("a string without escapes stays in the body")
  func stringsInPlace() throws {
    try parsing(#"["plain é", "esc\taped", "two \\ and \u00e9"]"#) { root, _ in
      let body = root.text
      let strings = Array(root.elements)
      #expect(strings.map(\.string) == ["plain é", "esc\taped", "two \\ and é"])
      let start = UInt(bitPattern: body.baseAddress)
      let inBody = strings.map {
        (start..<start + UInt(body.count)).contains(UInt(bitPattern: $0.stringBytes.baseAddress))
      }
      #expect(inBody == [true, false, false])
    }
  }

  @Test("descriptions")
  func descriptions() throws {
    try parsing(#"{"a": "x", "b": {}, "c": [], "d": [1], "e": null, "f": true, "g": false, "h": 2.5}"#) { root, _ in
      let expected = ["a string", "an object", "a list", "a list", "null", "true", "false", "the number 2.5"]
      #expect(root.members.map(\.value.describe) == expected)
    }
    try parsing(String(repeating: "1", count: 1000)) { root, _ in #expect(root.describe.count < 80) }
  }

  // MARK: Lists of numbers

  @Test("leaf lists lie one after the other in the arena")
  func arena() throws {
    try parsing(#"{"x": [[[1, 2], [3, 4]], [[5.5, 6], [7, "NaN"]]], "n": 9, "y": [8]}"#) { root, document in
      let leaves = try #require(root["x"]).elements.flatMap { $0.elements }
      #expect(leaves.map(\.kind) == [.numbers, .numbers, .numbers, .numbers])
      #expect(leaves.map(\.numbersOffset) == [0, 2, 4, 6])
      #expect(leaves.map(\.count) == [2, 2, 2, 2])
      #expect(document.numberArena.count == 9)
      #expect(Array(document.numberArena[0..<7]) == [1, 2, 3, 4, 5.5, 6, 7])
      #expect(document.numberArena[7].isNaN)
      #expect(root["y"].map { Array($0.numbers) } == [8])
      #expect(root["y"]?.numbersOffset == 8)
    }
  }

  @Test("a list that turns out to hold something else leaves nothing in the arena")
  func rewinding() throws {
    try parsing(#"[[1, 2, "x"], [3, [4, [5, true]]], [6, 7]]"#) { root, document in
      let lists = Array(root.elements)
      #expect(lists.map(\.kind) == [.array, .array, .numbers])
      #expect(lists[0].elements.map(\.kind) == [.number, .number, .string])
      #expect(Array(document.numberArena) == [6, 7])
      #expect(lists[2].numbersOffset == 0)
    }
  }

  @Test(
    "flags",
    arguments: [
      ("[1, 2]", false, false, true), ("[-5, 0]", false, false, true), ("[9007199254740992]", false, false, true),
      ("[-9007199254740992]", false, false, true), ("[9007199254740993]", false, false, false),
      ("[1.0]", false, false, false),
      ("[1e3]", false, false, false),
      ("[-0]", false, false, false), ("[1, -0, 2]", false, false, false), ("[1, 1e400]", true, false, false),
      ("[-1e400]", true, false, false),
      ("[1, \"NaN\"]", false, true, false), ("[1, \"Infinity\"]", false, true, false),
      ("[1e308, 1.7976931348623157e308]", false, false, false),
      ("[1.7976931348623159e308]", true, false, false), ("[100000000000000000000]", false, false, false),
      ("[10000000000000000000000]", false, false, false),
    ])
  func flags(_ text: String, _ overflow: Bool, _ nonFinite: Bool, _ integers: Bool) throws {
    try parsing(text) { root, _ in
      #expect(root.kind == .numbers)
      #expect(root.numberRow.flags.contains(.overflow) == overflow)
      #expect(root.numberRow.flags.contains(.nonFiniteText) == nonFinite)
      #expect(root.allIntegerText == integers)
    }
  }

  @Test("tokens are the literals")
  func tokens() throws {
    try parsing("[ 1.50 ,\n-2e3,\"-Infinity\" , 0]") { root, _ in
      let tokens = Array(root.numberTokens)
      #expect(tokens.map { String(decoding: $0.text, as: UTF8.self) } == ["1.50", "-2e3", "\"-Infinity\"", "0"])
      #expect(tokens.map(\.isNonFiniteText) == [false, false, true, false])
      #expect(tokens.map { $0.double().value } == Array(root.numbers))
      #expect(tokens[2].float().value == -.infinity)
      #expect(tokens[2].float().overflow == false)
      #expect(tokens[2].int64() == .fraction)
    }
    try parsing(#"["NaN", 2, "x"]"#) { root, _ in
      #expect(root.elements.map { $0.numberToken?.double().value.description } == ["nan", "2.0", nil])
      #expect(root.elements.map { Array($0.numberTokens).count } == [0, 1, 0])
    }
  }

  // MARK: Keys

  @Test(
    "duplicate keys are refused with the member's own pointer",
    arguments: [
      (#"{"a":1,"a":2}"#, "/a", 7), (#"{"x":{"y":[0,{"b":1,"c":2,"b":3}]}}"#, "/x/y/1/b", 26),
      (#"{"a":1,"\u0061":2}"#, "/a", 7),
      (#"{"":1,"":2}"#, "/", 6), (#"{"a/b~c":1,"a/b~c":2}"#, "/a~1b~0c", 11),
      (#"{"longer than eight":1,"longer than eight":2}"#, "/longer than eight", 23),
      (#"[{"é":1,"é":[]}]"#, "/0/é", 9), (#"{"a":{"b":1},"c":{},"a":{}}"#, "/a", 20),
      (#"{"a":1,"b":2,"b":3,"a":4}"#, "/b", 13),
    ])
  func duplicates(_ text: String, _ pointer: String, _ offset: Int) throws {
    let error = try #require(syntaxError(text))
    #expect(error.code == .duplicateKey)
    #expect(error.pointer == pointer)
    #expect(error.offset == offset)
    #expect(error.message.contains("twice"))
  }

  @Test("duplicates are found among any number of keys", arguments: [2, 7, 8, 9, 10, 16, 17, 100, 1000])
  func manyKeys(_ count: Int) throws {
    for length in [1, 20] {
      let keys = (0..<count).map { "\"" + String(repeating: "k", count: length) + "\($0)\"" }
      func object(_ keys: [String]) -> String { "{" + keys.map { $0 + ":{\"k1\":1}" }.joined(separator: ",") + "}" }
      #expect(syntaxError(object(keys)) == nil)
      for (first, second) in [(0, count - 1), (count / 2, count - 1), (count - 2, count - 1)] where first != second {
        var changed = keys
        changed[second] = changed[first]
        let error = try #require(syntaxError("[" + object(changed) + "]"))
        #expect(error.code == .duplicateKey)
        #expect(error.pointer == "/0/" + changed[first].dropFirst().dropLast())
      }
    }
  }

  // MARK: Depth and places

  @Test("depth")
  func depth() throws {
    func nested(_ depth: Int, _ core: String = "") -> String {
      String(repeating: "[", count: depth) + core + String(repeating: "]", count: depth)
    }
    #expect(syntaxError(nested(64)) == nil)
    #expect(syntaxError(nested(64, "1")) == nil)
    for text in [nested(65), nested(65, "1"), nested(64, "{}"), String(repeating: "[", count: 1_000_000)] {
      let error = try #require(syntaxError(text))
      #expect(error.code == .tooDeep)
      #expect(error.offset == 64)
      #expect(error.pointer == String(repeating: "/0", count: 64))
    }
    #expect(syntaxError(#"{"a":{"b":{}}}"#, maximumDepth: 2)?.pointer == "/a/b")
    // Siblings are not deeper.
    #expect(
      syntaxError("[" + Array(repeating: "[[]],[[1]],{}", count: 100).joined(separator: ",") + "]", maximumDepth: 3)
        == nil)
    #expect(syntaxError("1", maximumDepth: 0) == nil)
    #expect(syntaxError("[1]", maximumDepth: 0)?.code == .tooDeep)
  }

  @Test(
    "errors know where they are",
    arguments: [
      (#"{"a": [1, 2, x]}"#, "/a/2", 13, "line 1, column 14"),
      ("{\n  \"a\": [\n    1,\n    nope\n  ]\n}", "/a/1", 22, "line 4, column 5"),
      (#"{"a": [1, 2 3]}"#, "/a", 12, "line 1, column 13"), (#"{"a": {"b": 1, c: 2}}"#, "/a", 15, "line 1, column 16"),
      (#"{"a": {"b": 1, "c" 2}}"#, "/a", 19, "line 1, column 20"), (#"{"é": "\x"}"#, "/é", 8, "line 1, column 8"),
      (#"{"a": 1, "b\x": 2}"#, "", 11, "line 1, column 12"),
      (#"[[], [{}, {"a/b": 01}]]"#, "/1/1/a~1b", 18, "line 1, column 19"),
      ("x", "", 0, "line 1, column 1"), ("[] x", "", 3, "line 1, column 4"), ("[1,2", "", 4, "line 1, column 5"),
    ])
  func places(_ text: String, _ pointer: String, _ offset: Int, _ place: String) throws {
    let error = try #require(syntaxError(text))
    #expect(error.pointer == pointer)
    #expect(error.offset == offset)
    #expect(error.message.hasPrefix(place + ": "), "\(error.message)")
  }

  @Test("a pointer through enormous keys stays short")
  func longPointers() throws {
    let key = String(repeating: "k", count: 600)
    let error = try #require(syntaxError("{\"\(key)\": {\"\(key)\": {\"a\": x}}}"))
    #expect(error.pointer == "/" + key)
  }
}
