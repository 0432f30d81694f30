import Testing

@testable import AutogradFormats
@testable import AutogradServer

/// What RFC 8259 allows is read, and nothing else is.
@Suite("JSON conformance")
struct JSONConformanceTests {
  /// A text and the values in it, printed by ``print(_:)``.
  static let accepted: [(text: String, values: String)] = [
    ("null", "null"), ("true", "true"), ("false", "false"), (" \t\r\n null \t\r\n ", "null"),
    ("\"\"", "''"), ("\"abc\"", "'abc'"), ("\"a\\\"b\"", "'a\"b'"), ("\"\\\\\"", "'\\'"), ("\"\\/\"", "'/'"),
    ("\"\\b\\f\\n\\r\\t\"", "'\u{8}\u{C}\n\r\t'"), ("\"\\u0041\\u00e9\\u20AC\"", "'Aé€'"),
    ("\"\\uD83D\\uDE00\"", "'😀'"),
    ("\"\\u0000\"", "'\0'"), ("\"\\uFFFF\"", "'\u{FFFF}'"), ("\"\u{7F}\"", "'\u{7F}'"), ("\"'/*#\"", "''/*#'"),
    ("\"é€😀\"", "'é€😀'"),
    ("\"\u{80}\u{7FF}\u{800}\u{FFFF}\u{10000}\u{10FFFF}\"", "'\u{80}\u{7FF}\u{800}\u{FFFF}\u{10000}\u{10FFFF}'"),
    ("\"\u{D7FF}\u{E000}\"", "'\u{D7FF}\u{E000}'"),
    ("\"a\\nlonger text, and \\\"more\\\" of it é\"", "'a\nlonger text, and \"more\" of it é'"),
    ("\"12345678\"", "'12345678'"), ("\"1234567\\t\"", "'1234567\t'"), ("\"12345678\\t\"", "'12345678\t'"),
    ("0", "0"), ("-0", "-0"), ("1", "1"), ("-1", "-1"), ("10", "10"), ("0.5", "0.5"), ("-0.0", "-0.0"), ("1e5", "1e5"),
    ("1E5", "1E5"), ("1e+5", "1e+5"), ("1e-5", "1e-5"), ("0e0", "0e0"), ("1.5e300", "1.5e300"), ("1e400", "1e400"),
    ("1e00001", "1e00001"),
    ("123456789012345678901234567890", "123456789012345678901234567890"), (" 7 ", "7"),
    ("[]", "[]"), ("[ ]", "[]"), ("{}", "{}"), ("{ }", "{}"), ("[[]]", "[[]]"), ("[{}]", "[{}]"),
    ("[[],[[]]]", "[[], [[]]]"),
    ("[1]", "<1>"), ("[1,2]", "<1, 2>"), ("[ 1 , 2 ]", "<1, 2>"), ("[\n1\n,\n2\n]", "<1, 2>"),
    ("[1,\"NaN\"]", "<1, \"NaN\">"),
    ("[1,\"Infinity\",\"-Infinity\",-2.5]", "<1, \"Infinity\", \"-Infinity\", -2.5>"), ("[-1]", "<-1>"),
    ("[\"NaN\",1]", "['NaN', 1]"), ("[\"NaN\"]", "['NaN']"), ("[1,\"\\u004eaN\"]", "[1, 'NaN']"),
    ("[1,\"nan\"]", "[1, 'nan']"),
    ("[1,null]", "[1, null]"), ("[1,[2]]", "[1, <2>]"), ("[[1],2]", "[<1>, 2]"), ("[1,2,3,true]", "[1, 2, 3, true]"),
    ("[1,{}]", "[1, {}]"), ("[true,false]", "[true, false]"), ("[[1,2],[3,4]]", "[<1, 2>, <3, 4>]"),
    ("[1,\"NaN\",\"x\"]", "[1, 'NaN', 'x']"),
    ("{\"a\":1}", "{'a': 1}"), ("{ \"a\" : 1 , \"b\" : [ ] }", "{'a': 1, 'b': []}"), ("{\"\":null}", "{'': null}"),
    ("{\"a\":{\"a\":{\"a\":[1]}}}", "{'a': {'a': {'a': <1>}}}"), ("{\"\\u0061\\n\":\"b\"}", "{'a\n': 'b'}"),
    ("{\"a\":1,\"aa\":2,\"A\":3,\"\":4}", "{'a': 1, 'aa': 2, 'A': 3, '': 4}"),
    ("[{\"a\":1},{\"a\":2}]", "[{'a': 1}, {'a': 2}]"),
    ("{\"a\":{\"b\":1},\"b\":2}", "{'a': {'b': 1}, 'b': 2}"),
    ("{\"a\":[{\"b\":1},{\"b\":2}],\"b\":3}", "{'a': [{'b': 1}, {'b': 2}], 'b': 3}"),
    ("{\"12345678\":1,\"123456789\":2,\"123456780\":3}", "{'12345678': 1, '123456789': 2, '123456780': 3}"),
    // A key of zero bytes is not a shorter key.
    ("{\"\\u0000a\":1,\"a\":2,\"\\u0000\":3}", "{'\0a': 1, 'a': 2, '\0': 3}"),
  ]

  @Test("accepts", arguments: accepted)
  func accepts(_ text: String, _ values: String) throws {
    let printed = try parsing(text) { root, _ in
      #expect(String(decoding: root.text, as: UTF8.self) == text.trimmingWhitespace)
      return print(root)
    }
    #expect(printed == values)
  }

  /// A text, and a part of the explanation.
  static let rejected: [(text: String, explanation: String)] = [
    ("", "the body is empty"), (" \n ", "line 2, column 2: the body is empty"), ("nul", "'nul'"),
    ("truee", "nothing may follow"),
    ("tru e", "'tru'"),
    ("NaN", "write the string \"NaN\""), ("[NaN]", "write the string \"NaN\""),
    ("[1.0, NaN]", "write the string \"NaN\""),
    ("Infinity", "write the string \"Infinity\""), ("[1,-Infinity]", "write the string \"-Infinity\""),
    ("-inf", "write the string \"-Infinity\""),
    ("[-nan]", "write the string \"NaN\""), ("inf", "write the string \"Infinity\""),
    ("True", "write true"), ("{\"a\":None}", "write null"), ("undefined", "write null"),
    ("[x]", "double quotes: \"x\""),
    ("tensor([1])", "x.tolist()"), ("'a'", "double quotes"), ("{'a':1}", "keys are written in double quotes"),
    ("{a:1}", "write \"a\""),
    ("// a\n1", "no comments"), ("[1,/* a */2]", "no comments"), ("[1 // a\n]", "no comments"),
    ("{# a\n}", "no comments"),
    ("[1,]", "a comma may not follow the last element"), ("[\"a\" , ]", "a comma may not follow the last element"),
    ("{\"a\":1,}", "a comma may not follow the last member"), ("[,1]", "found ','"), ("[1,,2]", "found ','"),
    ("{,}", "found ','"),
    ("[1 2]", "expected ',' or ']' in the list opened at line 1, column 1, found '2'"),
    ("[\"a\" \"b\"]", "a comma is missing"),
    ("{\"a\":1 \"b\":2}", "expected ',' or '}' in the object opened at line 1, column 1, found '\"'"),
    ("[1;2]", "found ';'"),
    ("[1:2]", "found ':'"),
    ("{\"a\" 1}", "expected ':' after the key, found '1'"), ("{\"a\"=1}", "found '='"), ("{\"a\"}", "expected ':'"),
    ("{\"a\":}", "found '}'"),
    ("{\"a\"", "expected ':' after the key, found the end of the body"),
    ("{1:2}", "expected a key in double quotes, found '1'"),
    ("{null:2}", "'null'"),
    ("[", "ends inside the list opened at line 1, column 1"), ("{", "ends inside the object"),
    ("[1", "ends inside the list"),
    ("[1,", "ends inside the list"),
    ("{\"a\":", "ends inside the object"), ("{\"a\":1", "ends inside the object"),
    ("{\"a\":1,", "ends inside the object"),
    ("[[1]", "ends inside the list"),
    ("]", "expected a value, found ']'"), ("}", "found '}'"), ("[1}", "brackets do not match"),
    ("{\"a\":1]", "brackets do not match"), ("[}", "found '}'"), ("{]", "found ']'"),
    ("1 2", "nothing may follow the value"), ("[]]", "nothing may follow the value, found ']'"), ("{}{}", "JSON Lines"),
    ("{}\n{}", "JSON Lines"), ("null,", "found ','"),
    ("01", "may not start with a zero"), ("-01", "may not start with a zero"), ("[00]", "may not start with a zero"),
    ("0x10", "decimal"), ("+1", "without a plus sign: 1"),
    (".5", "0.5"), ("-.5", "before the point"), ("[1,.5]", "0.5"), ("1.", "after the point"),
    ("[1.]", "after the point"),
    ("1.e5", ""), ("1e", "exponent"), ("[1e+]", "exponent"), ("1e-", "exponent"),
    ("-", "not followed by a digit"), ("[-]", "not followed by a digit"), ("--1", ""), ("1.5.5", "nothing may follow"),
    ("[1_000]", "found '_' right after the value"), ("[1.5f]", "found 'f'"),
    ("[1e5.5]", "found '.'"), ("[1.0e]", "exponent"), ("１", "found '１'"), ("12\0", "0x00"), ("\0", "0x00"),
    ("[\u{A0}1]", "expected a value"), ("\u{C}1", "0x0C"), ("[1\u{B}]", "0x0B"),
    ("\"abc", "ends inside the string opened at line 1, column 1"), ("\"abc\\", "ends inside the string"),
    ("\"abc\\\"", "ends inside the string"), ("\"é", "ends inside the string"),
    ("\"a\nb\"", "may not run over the end of a line"), ("\"a\tb\"", "written \\t"), ("\"abc\0\"", "written \\u0000"),
    ("\"\u{1F}\"", "written \\u001F"),
    ("\"\\x41\"", "a backslash before 'x' is no escape"), ("\"\\'\"", "is no escape"), ("\"\\U0041\"", "is no escape"),
    ("\"\\\n\"", "is no escape"),
    ("\"\\u12\"", "four hexadecimal digits"), ("\"\\u12g4\"", "four hexadecimal digits"),
    ("\"\\u\"", "four hexadecimal digits"),
    ("\"\\u00", "four hexadecimal digits"), ("\"\\u+123\"", "four hexadecimal"),
    ("\"\\uD800\"", "half of a surrogate pair"), ("\"\\uDC00\"", "half of a surrogate pair"),
    ("\"\\uD800\\uD800\"", "half of a surrogate pair"), ("\"\\uD800x\"", "half of a surrogate pair"),
    ("\"\\uDC00\\uD800\"", "half of a surrogate pair"), ("\"\\uD83D\\u0041\"", "half of a surrogate pair"),
    ("\"\\uD83D", "half of a surrogate pair"),
    ("graph=%7B%7D", "looks like a form ('graph=…')"), ("y = sum(x)", "-H 'Content-Type: text/plain'"),
    ("sum(x ** 2)", "-H 'Content-Type: text/plain'"), ("y=x", "-H 'Content-Type: text/plain'"),
    ("%7B%22a%22", "URL-encoded"), ("@request.json", "--data-raw"),
    ("--x\r\nContent", "multipart"), ("<html>", "XML"), ("  <a>", "XML"),
    ("\u{FEFF}{}", "byte-order mark"), ("{\"a\": undefined}", "write null"), ("[1, 2, abc]", "double quotes: \"abc\""),
  ]

  @Test("rejects", arguments: rejected)
  func rejects(_ text: String, _ explanation: String) throws {
    let error = try #require(syntaxError(text))
    #expect(error.code == .invalidJSON)
    #expect(error.message.hasPrefix("line "))
    #expect(error.message.contains(explanation) || explanation.isEmpty, "\(error.message)")
    #expect((0...text.utf8.count).contains(error.offset))
  }

  /// Bytes that are no text, and a part of the explanation. The same must hold wherever in a longer string they stand.
  static let rejectedBytes: [(bytes: [UInt8], explanation: String)] = [
    ([0x80], "0x80"), ([0xBF], "0xBF"), ([0xC0, 0x80], "0xC0"), ([0xC1, 0xBF], "0xC1"), ([0xC3], "0xC3"),
    ([0xC3, 0x41], "0xC3"),
    ([0xE0, 0x80, 0x80], "0xE0"),
    ([0xE0, 0x9F, 0xBF], "0xE0"), ([0xE2, 0x82], "0xE2"), ([0xE2, 0x82, 0x41], "0xE2"), ([0xED, 0xA0, 0x80], "0xED"),
    ([0xED, 0xBF, 0xBF], "0xED"), ([0xF0, 0x80, 0x80, 0x80], "0xF0"),
    ([0xF0, 0x8F, 0xBF, 0xBF], "0xF0"), ([0xF0, 0x9F, 0x98], "0xF0"), ([0xF4, 0x90, 0x80, 0x80], "0xF4"),
    ([0xF5, 0x80, 0x80, 0x80], "0xF5"), ([0xFF], "0xFF"), ([0xE9], "Latin-1"),
  ]

  @Test("rejects ill-formed UTF-8", arguments: rejectedBytes)
  func rejectsIllFormed(_ bytes: [UInt8], _ explanation: String) throws {
    for padding in 0..<20 {
      let text =
        Array("[\"".utf8) + Array(repeating: UInt8(ascii: "a"), count: padding) + bytes
        + Array("\", \"more text after it\"]".utf8)
      let error = try #require(syntaxError(text))
      #expect(error.message.contains("UTF-8") && error.message.contains(explanation), "\(error.message)")
      #expect(error.offset == padding + 2)
      #expect(error.pointer == "/0")
    }
  }

  @Test("says what a body in another format is")
  func otherFormats() throws {
    let cases: [([UInt8], String)] = [
      ([0x1F, 0x8B, 8, 0], "gzip"), ([0x28, 0xB5, 0x2F, 0xFD], "zstd"), ([0xFF, 0xFE, 0x7B, 0], "UTF-16"),
      ([0x7B, 0, 0x7D, 0], "UTF-16"), ([0, 0x7B, 0, 0x7D], "UTF-16"),
      ([0x40, 0, 0, 0, 0, 0, 0, 0, 0x7B, 0x22], "safetensors"),
    ]
    for (bytes, explanation) in cases {
      let error = try #require(syntaxError(bytes))
      #expect(error.message.contains(explanation), "\(error.message)")
    }
  }

  /// Cutting a document anywhere but in white space after it leaves no document; nor does it read beyond its end.
  @Test("rejects every prefix of a document")
  func prefixes() throws {
    let text = Array(
      #"{"a": [1.5e3, -2, "NaN"], "é\u00e9\ud83d\ude00": {"b": [true, null, "x\n"]}, "c": [[1, 2], [3, 4]]}"#.utf8)
    #expect(syntaxError(text) == nil)
    for length in 0..<text.count {
      let error = try #require(syntaxError(Array(text[..<length])))
      #expect(error.code == .invalidJSON)
      #expect(error.offset <= length)
    }
  }

  /// Any byte anywhere is an answer or an error, never a trap or a read outside (run it under a sanitizer).
  @Test("survives every change of one byte")
  func mutations() {
    let text = Array(#"{"a":[1.5e3,-2,"NaN"],"é\u00e9":{"b":[true,"x\n"]},"c":[[1],[3]]}"#.utf8)
    var accepted = 0
    for index in text.indices {
      for byte in UInt8.min...UInt8.max {
        var changed = text
        changed[index] = byte
        if syntaxError(changed) == nil { accepted += 1 }
      }
    }
    // Other letters in a key, other digits: some are documents, most are not.
    #expect(accepted > text.count && accepted < text.count * 128)
  }
}

/// The values of a document in a short form: lists of numbers in angle brackets, strings in single quotes.
private func print(_ value: JSONValue) -> String {
  switch value.kind {
  case .null: "null"
  case .false: "false"
  case .true: "true"
  case .number: String(decoding: value.text, as: UTF8.self)
  case .string: "'\(value.string)'"
  case .array: "[" + value.elements.map { print($0) }.joined(separator: ", ") + "]"
  case .object: "{" + value.members.map { "'\($0.key.string)': \(print($0.value))" }.joined(separator: ", ") + "}"
  case .numbers: "<" + value.numberTokens.map { String(decoding: $0.text, as: UTF8.self) }.joined(separator: ", ") + ">"
  }
}

extension String {
  fileprivate var trimmingWhitespace: String {
    String(decoding: Array(utf8.drop { $0 <= 0x20 }.reversed().drop { $0 <= 0x20 }.reversed()), as: UTF8.self)
  }
}
