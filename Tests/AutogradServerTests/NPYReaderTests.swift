import AutogradCore
import Foundation
import Testing

@testable import AutogradFormats

/// Arrays in NumPy's format.
@Suite struct NPYReaderTests {
  /// A file of a header and data, as numpy.save writes it.
  private static func file(_ header: String, _ data: Data, version: UInt8 = 1) -> Data {
    let padded = header + String(repeating: " ", count: (64 - (header.utf8.count + 11) % 64) % 64) + "\n"
    let count = padded.utf8.count
    let length =
      version == 1
      ? withUnsafeBytes(of: UInt16(count).littleEndian) { Data($0) }
      : withUnsafeBytes(of: UInt32(count).littleEndian) { Data($0) }
    return Data([0x93]) + Data("NUMPY".utf8) + Data([version, 0]) + length + Data(padded.utf8) + data
  }

  private static func header(_ dtype: String, _ shape: String, fortran: Bool = false) -> String {
    "{'descr': '\(dtype)', 'fortran_order': \(fortran ? "True" : "False"), 'shape': \(shape), }"
  }

  private static func bytes<Element>(_ elements: [Element]) -> Data { elements.withUnsafeBytes { Data($0) } }

  private static func read(_ file: Data) throws -> Tensor { try file.withUnsafeBytes { try NPYReader.read($0) } }

  private static func refusal(_ file: Data) -> FormatError? {
    do {
      _ = try read(file)
      return nil
    } catch { return error as? FormatError }
  }

  private static func text(_ tensor: Tensor) -> String {
    let json = ByteBuffer()
    TensorEncoder(form: .nested).append(tensor, to: json)
    return json.string
  }

  @Test(arguments: [UInt8(1), 2, 3]) func everyVersionIsRead(_ version: UInt8) throws {
    let file = Self.file(Self.header("<f8", "(2,)"), Self.bytes([1.5, -0.0]), version: version)
    #expect(try Self.text(Self.read(file)) == #"{"dtype": "float64", "shape": [2], "data": [1.5, -0.0]}"#)
    #expect(file.withUnsafeBytes { NPYReader.recognizes($0) })
  }

  @Test func everyDTypeIsRead() throws {
    let files: [(String, Data, String)] = [
      ("<f8", Self.bytes([0.1, .nan]), #""float64", "shape": [2], "data": [0.1, "NaN"]"#),
      ("<f4", Self.bytes([Float(0.1), -.infinity]), #""float32", "shape": [2], "data": [0.1, "-Infinity"]"#),
      (
        "<i8", Self.bytes([Int64.max, .min]),
        #""int64", "shape": [2], "data": [9223372036854775807, -9223372036854775808]"#
      ),
      ("<i4", Self.bytes([Int32(-7), 8]), #""int32", "shape": [2], "data": [-7, 8]"#),
      ("|b1", Data([1, 0]), #""bool", "shape": [2], "data": [true, false]"#),
    ]
    for (dtype, data, text) in files {
      #expect(try Self.text(Self.read(Self.file(Self.header(dtype, "(2,)"), data))) == #"{"dtype": \#(text)}"#)
    }
  }

  @Test(arguments: [
    ("()", 1, #""shape": [], "data": 0.0"#), ("(3,)", 3, #""shape": [3], "data": [0.0, 1.0, 2.0]"#),
    ("(2, 1)", 2, #""shape": [2, 1], "data": [[0.0], [1.0]]"#), ("(0, 3)", 0, #""shape": [0, 3], "data": []"#),
    ("(2L, 2L)", 4, #""shape": [2, 2], "data": [[0.0, 1.0], [2.0, 3.0]]"#),
  ])
  func everyShapeIsRead(_ shape: String, _ count: Int, _ text: String) throws {
    let data = Self.bytes((0..<count).map(Double.init))
    #expect(try Self.text(Self.read(Self.file(Self.header("<f8", shape), data))) == #"{"dtype": "float64", \#(text)}"#)
  }

  /// x[i, j, k] = 100 i + 10 j + k, with the first index fastest.
  @Test func theOrderOfFortranIsTurned() throws {
    var (stored, expected): ([Int32], [Int32]) = ([], [])
    for k in 0..<4 { for j in 0..<3 { for i in 0..<2 { stored.append(Int32(100 * i + 10 * j + k)) } } }
    for i in 0..<2 { for j in 0..<3 { for k in 0..<4 { expected.append(Int32(100 * i + 10 * j + k)) } } }
    let tensor = try Self.read(Self.file(Self.header("<i4", "(2, 3, 4)", fortran: true), Self.bytes(stored)))
    #expect(tensor.shape == [2, 3, 4])
    #expect(tensor.withUnsafeBytes { Array($0.bindMemory(to: Int32.self)) } == expected)
    let bools = try Self.read(Self.file(Self.header("|b1", "(2, 2)", fortran: true), Data([0, 1, 0, 0])))
    #expect(bools.withUnsafeBytes { Array($0) } == [0, 0, 1, 0])
    let line = try Self.read(Self.file(Self.header("<f8", "(2,)", fortran: true), Self.bytes([1.0, 2.0])))
    #expect(line.withUnsafeBytes { Array($0.bindMemory(to: Double.self)) } == [1, 2])
  }

  @Test(arguments: [
    (">f8", "x.astype('<f8')"), ("<f2", "x.astype('<f4')"), ("<u2", "x.astype('<i4')"), ("|u1", "x.astype('<i4')"),
    ("<u8", "x.astype('<i8')"), ("<c16", "x.real"), ("|O", "Python objects"), ("<U5", "texts"),
    ("<M8[s]", "got <M8[s]"),
  ])
  func otherDTypesAreRefused(_ dtype: String, _ words: String) throws {
    let error = try #require(Self.refusal(Self.file(Self.header(dtype, "(0,)"), Data())))
    #expect(error.code == .wrongType && error.detail.contains(words), "\(error.detail)")
  }

  @Test(arguments: [
    ("PK\u{3}\u{4} and more bytes", "numpy.save"), ("1,2,3\n4,5,6\n", "begins with"), ("", "begins with"),
  ])
  func otherFilesAreRefused(_ text: String, _ words: String) throws {
    let error = try #require(Self.refusal(Data(text.utf8)))
    #expect(error.detail.contains(words), "\(error.detail)")
  }

  @Test func headersAreChecked() throws {
    let data = Self.bytes([1.0, 2.0])
    let whole = Self.file(Self.header("<f8", "(2,)"), data)
    var future = whole
    future[6] = 9
    let cases: [(Data, FormatError.Code, String)] = [
      (future, .wrongType, "versions"), (whole.prefix(9), .wrongType, "begins"),
      (whole.prefix(40), .wrongType, "within"),
      (whole.dropLast(), .shapeMismatch, "takes 16 bytes; 15 follow"),
      (whole + data, .shapeMismatch, "one array"),
      (Self.file(Self.header("|b1", "(2,)"), Data([1, 2])), .numberOutOfRange, "0 and 1"),
      (Self.file("{'descr': '<f8', 'shape': (2,)}", data), .missingMember, "fortran_order"),
      (Self.file("{'descr': '<f8', 'fortran_order': 1, 'shape': (2,)}", data), .wrongType, "at its byte 34"),
      (Self.file("{'descr': '<f8', 'order': 1}", data), .unknownMember, "order"),
      (Self.file("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (2,)}", data), .wrongType, "fields"),
      (Self.file(Self.header("<f8", "(-2,)"), data), .wrongType, "cannot be read"),
      (Self.file(Self.header("<f8", "(99999999999999999999,)"), data), .wrongType, "cannot be read"),
      (Self.file(Self.header("<f8", "(1, 1, 1, 1, 1, 1, 1, 1, 2)"), data), .limitExceeded, "axes"),
      (Self.file(Self.header("<f8", "(4000000000, 4000000000)"), data), .limitExceeded, "elements"),
      (Self.file("", data), .wrongType, "cannot be read"), (Self.file("{", data), .wrongType, "cannot be read"),
    ]
    for (file, code, words) in cases {
      let error = try #require(Self.refusal(file), "\(words)")
      #expect(error.code == code && error.detail.contains(words), "\(words): \(error.code) \(error.detail)")
    }
    // Every shorter file, and every single byte that is changed, ends in a tensor or an error.
    for count in 0..<whole.count { #expect(Self.refusal(whole.prefix(count)) != nil) }
    for index in 0..<whole.count {
      var changed = whole
      changed[index] ^= 0x55
      _ = Self.refusal(changed)
    }
  }
}
