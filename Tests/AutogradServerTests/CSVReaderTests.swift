import AutogradCore
import AutogradTestSupport
import Foundation
import Testing

@testable import AutogradFormats

/// Tables of numbers as text.
@Suite struct CSVReaderTests {
  private static func json(_ text: String, _ column: String? = nil) throws -> String {
    try Data(text.utf8).withUnsafeBytes { try CSVReader.json($0, column: column).string }
  }

  private static func refusal(_ text: String, _ column: String? = nil) -> FormatError? {
    do {
      _ = try json(text, column)
      return nil
    } catch { return error as? FormatError }
  }

  @Test(arguments: [
    ("5", "5"), ("1,2,3\n", "[1,2,3]"), ("1\n2\n3", "[1,2,3]"),
    ("1,2\n3,4\n", #"{"shape": [2, 2], "data": [1,2,3,4]}"#),
    ("1,2\r\n3,4\r\n", #"{"shape": [2, 2], "data": [1,2,3,4]}"#), ("1\r2\r", "[1,2]"), ("\u{FEFF}1,2", "[1,2]"),
    ("\n# made by numpy\n 1 ,\t2\n\n", "[1,2]"), ("\"1\",\"2.5\"", "[1,2.5]"), ("a,b\n1,2\n", "[1,2]"),
    ("a\n1\n2\n", "[1,2]"), ("true,FALSE", "[true,false]"), ("\"price, net\",n\n1,2", "[1,2]"),
  ])
  func tablesAreRead(_ text: String, _ expected: String) throws {
    #expect(try Self.json(text) == expected)
  }

  @Test(arguments: [
    ("-1.5e-3", "-1.5e-3"), ("+1", "1"), (".5", "0.5"), ("-.5e2", "-0.5e2"), ("5.", "5"), ("5.e3", "5e3"), ("007", "7"),
    ("-00.50", "-0.50"), ("00", "0"), ("1E+05", "1E+05"), ("nan", "\"NaN\""), ("-NaN", "\"NaN\""), ("NA", "\"NaN\""),
    ("inf", "\"Infinity\""), ("-Infinity", "\"-Infinity\""), ("+inf", "\"Infinity\""),
    ("0.1000000000000000055511151231257827", "0.1000000000000000055511151231257827"),
  ])
  func numbersAreWrittenAsJSON(_ cell: String, _ expected: String) throws {
    #expect(try Self.json(cell) == expected)
    let buffer = ByteBuffer(expected)
    _ = try JSONDocument(parsing: buffer.bytes)
    withExtendedLifetime(buffer) {}
  }

  @Test func aColumnIsTakenByItsName() throws {
    let table = "day,price,\"net \"\"n\"\"\"\n2026-01-01,1.5,a\n2026-01-02,-2,b\n"
    #expect(try Self.json(table, "price") == "[1.5,-2]")
    #expect(try Self.json("x,y\n1,2", "y") == "2")
    let cases: [(String, String, String)] = [
      (table, "prize", "did you mean price?"), (table, "zzzzzz", "net \"n\""),
      (table, "day", "\"2026-01-01\" is no number"),
      ("1,2\n3,4", "price", "has no names"), ("a,a\n1,2", "a", "two columns"),
    ]
    for (text, column, words) in cases {
      let error = try #require(Self.refusal(text, column))
      #expect(error.detail.contains(words), "\(error.detail)")
    }
  }

  @Test(arguments: [
    ("", 1, 1, "no numbers"), ("# only a comment\n", 1, 1, "no numbers"), ("a,b\n", 2, 1, "no numbers"),
    ("1,2\n3\n", 2, 1, "1 cells, the first has 2"), ("1,2\n3,4,5\n", 2, 3, "3 cells, the first has 2"),
    ("1,2\n3,\n", 2, 3, "write NaN"), ("1,2\n3;4,5", 2, 1, "separated by commas"), ("1 2 3", 1, 1, "delimiter"),
    ("1\t2", 1, 1, "delimiter"), ("\"1,5\",2", 1, 2, "a decimal has a point"), ("1,x\n", 1, 3, "no numbers beside"),
    ("1,2\n3,x\n", 2, 3, "\"x\" is no number"), ("1e\n", 1, 1, "\"1e\""), ("1.2.3", 1, 1, "\"1.2.3\""),
    ("-", 1, 1, "\"-\""),
    ("0x10", 1, 1, "\"0x10\""), ("1,true", 1, 3, "beside numbers"), ("+true", 1, 1, "\"+true\""),
    ("\"1,2\n", 1, 1, "never closed"), ("1,\"2\"x", 1, 6, "a comma or the end"), ("12x\n1", 1, 1, "\"12x\""),
  ])
  func mistakesAreRefusedAtTheirPlace(_ text: String, _ line: Int, _ column: Int, _ words: String) throws {
    let error = try #require(Self.refusal(text))
    #expect(error.code == .wrongType && error.detail.contains(words), "\(error.detail)")
    #expect(error.place?.line == line && error.place?.column == column, "\(String(describing: error.place))")
  }

  private static let pieces = [
    "1", "-2.5", "+.5", "007", "1e5", "nan", "-inf", "true", "x", "\"", "\"\"", ",", ",,", "\n", "\r\n", "\r", " ",
    "\t", "#", ";",
    "e", "-", ".", "\u{FEFF}", "é",
  ]

  @Test func randomTablesEndInATensorOrInAPlaceOfTheText() throws {
    var generator = SeededGenerator(seed: 11)
    var read = 0
    for _ in 0..<3_000 {
      let table = (0..<Int.random(in: 1...12, using: &generator)).map { _ in
        Self.pieces.randomElement(using: &generator) ?? ""
      }
      .joined()
      do {
        let json = ByteBuffer(try Self.json(table))
        let document = try JSONDocument(parsing: json.bytes)
        _ = try TensorDecoder(document: document).decode(document.root, .fallback(.float64))
        read += 1
        withExtendedLifetime(json) {}
      } catch let error as FormatError {
        #expect(error.place != nil || error.code == .numberOutOfRange, "\(table): \(error.detail)")
      }
    }
    #expect(read > 50)
  }

  /// A table that this program writes is read as it was.
  @Test func whatIsWrittenIsRead() throws {
    for text in ["3.5", "1.0,2.5,NaN", "1.0,2.0\n-Infinity,4e+20"] {
      let json = try Self.json(text)
      let answer = ByteBuffer(#"{"y": \#(json)}"#)
      let document = try JSONDocument(parsing: answer.bytes)
      let tensor = try TensorDecoder(document: document).decode(try #require(document.root["y"]), .fallback(.float64))
      let written = ByteBuffer()
      TensorEncoder(form: .values).append(tensor, to: written)
      let rows = written.string.replacing("], [", with: "\n").replacing("[", with: "").replacing("]", with: "")
      #expect(rows.replacing(", ", with: ",").replacing("\"", with: "") == text)
      withExtendedLifetime(answer) {}
    }
  }
}
