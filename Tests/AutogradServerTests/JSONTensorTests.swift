import AutogradCore
import Foundation
import Testing

@testable import AutogradFormats
@testable import AutogradServer

/// The tensor that a text stands for.
private func decoded(_ text: String, _ dtype: DType) throws -> Tensor {
  try parsing(text) { root, document in try TensorDecoder(document: document).decode(root, .fallback(dtype)) }
}

private func refusal(_ text: String, _ dtype: DType) -> FormatError? {
  do {
    _ = try decoded(text, dtype)
    return nil
  } catch {
    return error as? FormatError
  }
}

private func encoded(_ tensor: Tensor, _ form: TensorEncoder.Form = .values) -> String {
  let buffer = ByteBuffer()
  TensorEncoder(form: form).append(tensor, to: buffer)
  return buffer.string
}

/// `elements` as nested lists, written down the obvious way.
private func nested(_ elements: ArraySlice<String>, _ shape: ArraySlice<Int>) -> String {
  guard let size = shape.first else { return elements[elements.startIndex] }
  let length = size == 0 ? 0 : elements.count / size
  let parts = (0..<size).map { index in
    nested(elements[(elements.startIndex + index * length)...].prefix(length), shape.dropFirst())
  }
  return "[" + parts.joined(separator: ", ") + "]"
}

@Suite("JSON tensors")
struct JSONTensorTests {
  // MARK: Reading

  /// Where the double is half way between two floats, or next to that, the text decides.
  @Test("float32 is rounded once, from the text, wherever the number stands", arguments: [1, 2, 3])
  func roundedOnce(_ rank: Int) throws {
    let texts = JSONNumberReadingTests.hard.filter { strtof($0, nil).isFinite && strtod($0, nil).isFinite }
    let rows = texts.map { "[-\($0.drop { $0 == "-" }), 0.5, \($0)]" }
    let text =
      rank == 1
      ? "[" + texts.joined(separator: ", ") + "]"
      : rank == 2 ? "[" + rows.joined(separator: ",") + "]" : "[[\(rows.joined(separator: "],["))]]"
    let values = try decoded(text, .float32).values(as: Float.self) ?? []
    let expected =
      rank == 1
      ? texts.map { strtof($0, nil) }
      : texts.flatMap { [-strtof(String($0.drop { $0 == "-" }), nil), 0.5, strtof($0, nil)] }
    #expect(values.map(\.bitPattern) == expected.map(\.bitPattern))
  }

  @Test("a double decides its float32 unless it is half way between two")
  func decided() {
    for value in [0, -0.0, 1, -2.5, 0.1, 0x1.fffffep127, 0x1p-126, 1.00000005960464, 16777217.5] as [Double] {
      #expect(FloatRounding.isDecided(value), "\(value)")
    }
    // Middles, subnormal floats, and what is no finite float.
    for value in [
      16777217, 0x1.000001p0, -0x1.000003p-7, 0x1.ffffffp127, 1e39, 1e-40, 0x1p-150, .leastNonzeroMagnitude, .infinity,
      .nan,
    ]
      as [Double]
    {
      #expect(!FloatRounding.isDecided(value), "\(value)")
    }
  }

  @Test("random matrices of float32")
  func randomMatrices() throws {
    var random = SplitMix64(seed: 20)
    for round in 0..<40 {
      let (rows, columns) = (1 + Int(random.next() % 20), 1 + Int(random.next() % 20))
      let texts: [String] = (0..<(rows * columns)).map { _ in
        let value = Float(bitPattern: UInt32(truncatingIfNeeded: random.next()) & ~(1 << 30))
        let middle = (Double(value) + Double(value.nextUp)) / 2
        return switch (round % 4, random.next() % 8) {
        case (0, _): "\(Double(random.next() % 1000) / 1000)"
        case (1, 0): String(format: "%.60g", middle)
        case (2, 0): "\(middle)"
        default: "\(value)"
        }
      }
      let text = nested(texts[...], [rows, columns])
      let values = try decoded(text, .float32).values(as: Float.self) ?? []
      #expect(values.map(\.bitPattern) == texts.map { strtof($0, nil).bitPattern }, "\(text)")
      let doubles = try decoded(text, .float64).values(as: Double.self) ?? []
      #expect(doubles.map(\.bitPattern) == texts.map { strtod($0, nil).bitPattern }, "\(text)")
    }
  }

  @Test("integers in lists")
  func integers() throws {
    #expect(try decoded("[[1, -2], [2147483647, -2147483648]]", .int32).values(as: Int32.self) == [1, -2, .max, .min])
    #expect(try decoded("[[1, -2], [1e3, 3.0]]", .int32).values(as: Int32.self) == [1, -2, 1000, 3])
    #expect(
      try decoded("[[1, 0], [9007199254740993, -9223372036854775808]]", .int64).values(as: Int64.self) == [
        1, 0, 9_007_199_254_740_993, .min,
      ])
    #expect(try decoded("[-0, 5]", .int64).values(as: Int64.self) == [0, 5])
  }

  @Test(
    "what does not fit is refused with its place",
    arguments: [
      ("[[1, 2], [3, 2147483648]]", DType.int32, "/1/1"), ("[[1, 2], [3.5, 1]]", .int32, "/1/0"),
      ("[1, 1e400]", .float64, "/1"),
      ("[[1], [-1e400]]", .float64, "/1/0"), ("[[1, 2], [1, 3.5e38]]", .float32, "/1/1"),
      ("[[1, 2], [1, 1e400]]", .float32, "/1/1"),
      ("[3.4028235677973367e38]", .float32, "/0"), ("[[[1]], [[9223372036854775808]]]", .int64, "/1/0/0"),
      ("[\"NaN\"]", .int32, "/0"),
      ("[1, \"NaN\"]", .int64, "/1"),
    ])
  func outOfRange(_ text: String, _ dtype: DType, _ pointer: String) throws {
    let problem = try #require(refusal(text, dtype))
    #expect(problem.code == .numberOutOfRange)
    #expect(problem.pointer == pointer)
  }

  @Test(
    "ragged lists are refused with their place",
    arguments: [
      ("[[1, 2], [3]]", "/1"), ("[[1, 2], 3]", "/1"), ("[[1], [[2]]]", "/1/0"), ("[[[1], [2]], [[3], [4, 5]]]", "/1/1"),
      ("[[[1], [2]], [[3]]]", "/1"), ("[[1, 2], []]", "/1"), ("[[[1]], [2]]", "/1"),
    ])
  func ragged(_ text: String, _ pointer: String) throws {
    for dtype in [DType.float64, .float32, .int32] {
      let problem = try #require(refusal(text, dtype))
      #expect(problem.code == .raggedArray)
      #expect(problem.pointer == pointer)
    }
  }

  @Test("strings for what JSON has no numbers for, in lists of lists")
  func nonFinite() throws {
    let text = #"[[1, "Infinity"], ["-Infinity", 2], [0.1, "NaN"]]"#
    let values = try decoded(text, .float32).values(as: Float.self) ?? []
    #expect(values.prefix(5) == [1, .infinity, -.infinity, 2, 0.1])
    #expect(values.last?.isNaN == true)
    #expect(encoded(try decoded(text, .float32)) == #"[[1.0, "Infinity"], ["-Infinity", 2.0], [0.1, "NaN"]]"#)
    #expect(encoded(try decoded(text, .float64)) == #"[[1.0, "Infinity"], ["-Infinity", 2.0], [0.1, "NaN"]]"#)
  }

  // MARK: Writing

  @Test(
    "nested lists of every shape",
    arguments: [
      [], [1], [3], [63], [64], [65], [200], [2, 3], [1, 1], [3, 64], [3, 130], [2, 1, 3], [1, 2, 3, 4],
      [2, 2, 2, 2, 2, 2, 2, 2], [5, 1],
    ])
  func shapes(_ sizes: [Int]) throws {
    let shape = Shape(sizes)
    var random = SplitMix64(seed: 21)
    let doubles = (0..<shape.elementCount).map { _ in
      Double(Int64(bitPattern: random.next())) / Double(1 << (random.next() % 63))
    }
    let integers = doubles.map { Int64(bitPattern: $0.bitPattern) }
    for (tensor, texts) in [
      (Tensor(doubles, shape: shape), doubles.map(text)), (Tensor(integers, shape: shape), integers.map { "\($0)" }),
      (
        Tensor(integers.map { Int32(truncatingIfNeeded: $0) }, shape: shape),
        integers.map { "\(Int32(truncatingIfNeeded: $0))" }
      ),
      (Tensor(integers.map { $0 % 2 == 0 }, shape: shape), integers.map { "\($0 % 2 == 0)" }),
    ] {
      #expect(encoded(tensor) == nested(texts[...], sizes[...]))
      #expect(encoded(tensor, .flat).hasSuffix("\"data\": [" + texts.joined(separator: ", ") + "]}"))
      let read = try decoded(encoded(tensor), tensor.dtype)
      #expect(read.withUnsafeBytes { Array($0) } == tensor.withUnsafeBytes { Array($0) })
      #expect(try decoded(encoded(tensor, .nested), tensor.dtype).type == tensor.type)
    }
  }

  private func text(_ value: Double) -> String {
    let buffer = ByteBuffer()
    buffer.append(double: value)
    return buffer.string
  }

  @Test(
    "empty tensors",
    arguments: [
      ([0], "[]"), ([0, 3], "[]"), ([2, 0], "[[], []]"), ([2, 3, 0], "[[[], [], []], [[], [], []]]"),
      ([1, 0, 2], "[[]]"),
    ])
  func empty(_ sizes: [Int], _ expected: String) {
    let tensor = Tensor([Double](), shape: Shape(sizes))
    #expect(encoded(tensor) == expected)
    #expect(encoded(tensor, .flat).hasSuffix("\"data\": []}"))
  }

  // MARK: Base64

  @Test("base64 as Foundation has it, of every length")
  func base64() throws {
    var random = SplitMix64(seed: 22)
    for count in Array(0..<70) + [1000, 1001, 1002] {
      let bytes = (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
      let buffer = ByteBuffer()
      bytes.withUnsafeBytes { Base64.append($0, to: buffer) }
      #expect(buffer.string == Data(bytes).base64EncodedString())
      #expect(decodedBase64(Array(buffer.bytes)) == bytes)
    }
  }

  /// Decodes into memory of just the size, so that a sanitizer sees a byte too many.
  private func decodedBase64(_ text: [UInt8]) -> [UInt8]? {
    text.withUnsafeBytes { text in
      guard let count = Base64.decodedByteCount(text) else { return nil }
      let target = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 1)
      defer { target.deallocate() }
      guard let base = target.baseAddress ?? UnsafeMutableRawPointer(bitPattern: 1), Base64.decode(text, into: base)
      else { return nil }
      return Array(target)
    }
  }

  @Test("every other byte, and misplaced padding, is refused wherever it stands")
  func notBase64() {
    let alphabet = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    for count in [4, 8, 12, 40] {
      for place in 0..<count {
        for byte in UInt8.min...255 {
          var text = [UInt8](repeating: UInt8(ascii: "R"), count: count)
          text[place] = byte
          let isPadding = byte == UInt8(ascii: "=") && place == count - 1
          // "RRR=" leaves bits that are not zero behind.
          #expect((decodedBase64(text) != nil) == alphabet.contains(byte), "\(byte) at \(place) of \(count)")
          #expect(text.withUnsafeBytes { Base64.isValid($0) } == (alphabet.contains(byte) || isPadding))
        }
      }
    }
    for (text, isGood) in [
      ("QQ==", true), ("QR==", false), ("QUE=", true), ("QUF=", false), ("Q===", false), ("====", false),
      ("QQ=Q", false), ("QQ", false),
      ("QUFBQQ==", true), ("QQ==QQ==", false),
    ] {
      #expect((decodedBase64(Array(text.utf8)) != nil) == isGood, "\(text)")
    }
  }
}
