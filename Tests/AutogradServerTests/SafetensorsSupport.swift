import AutogradCore
import Foundation
import Testing

@testable import AutogradFormats
@testable import AutogradHTTP
@testable import AutogradServer

/// A safetensors file, written and read without the server's own code.
struct TestFile {
  struct Entry: Equatable {
    var dtype: String
    var shape: [Int]
    var data: Data
  }

  var metadata: [String: String] = [:]
  /// In the order of the file.
  var tensors: [(name: String, entry: Entry)] = []
  /// Blanks behind the header; without them data may start anywhere.
  var padding = 0

  subscript(name: String) -> Entry? { tensors.first { $0.name == name }?.entry }

  mutating func append(_ name: String, _ dtype: String, _ shape: [Int], _ data: Data) {
    tensors.append((name, Entry(dtype: dtype, shape: shape, data: data)))
  }

  mutating func append<Number>(_ name: String, _ dtype: String, _ shape: [Int], _ numbers: [Number]) {
    append(name, dtype, shape, numbers.withUnsafeBytes { Data($0) })
  }

  private static func quoted(_ text: String) -> String {
    String(decoding: (try? JSONSerialization.data(withJSONObject: [text])) ?? Data(), as: UTF8.self).dropFirst()
      .dropLast().description
  }

  var bytes: Data {
    var members: [String] = []
    if !metadata.isEmpty {
      let texts = metadata.sorted { $0.key < $1.key }.map { "\(TestFile.quoted($0.key)): \(TestFile.quoted($0.value))" }
      members.append("\"__metadata__\": {\(texts.joined(separator: ", "))}")
    }
    var data = Data()
    for (name, entry) in tensors {
      let end = data.count + entry.data.count
      members.append(
        "\(TestFile.quoted(name)): {\"dtype\": \"\(entry.dtype)\", \"shape\": \(entry.shape), \"data_offsets\": "
          + "[\(data.count), \(end)]}"
      )
      data += entry.data
    }
    return TestFile.raw("{\(members.joined(separator: ", "))}" + String(repeating: " ", count: padding), data)
  }

  /// A file of any header.
  static func raw(_ header: String, _ data: Data = Data(), length: UInt64? = nil) -> Data {
    withUnsafeBytes(of: (length ?? UInt64(header.utf8.count)).littleEndian) { Data($0) } + Data(header.utf8) + data
  }

  init() {}

  init(_ graph: String, _ metadata: [String: String] = [:]) {
    self.metadata = metadata.merging(["graph": graph]) { $1 }
  }

  /// Reads a file as strictly as the format is written.
  init(reading bytes: Data) throws {
    let bytes = Data(bytes)
    let length = Int(bytes.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
    try #require(length % 8 == 0 && length <= bytes.count - 8, "\(String(decoding: bytes.prefix(1000), as: UTF8.self))")
    let header = try #require(try JSONSerialization.jsonObject(with: bytes[8..<(8 + length)]) as? [String: Any])
    let data = bytes[(8 + length)...]
    metadata = header["__metadata__"] as? [String: String] ?? [:]
    var entries: [(name: String, entry: Entry, begin: Int, end: Int)] = []
    for (name, value) in header where name != "__metadata__" {
      let value = try #require(value as? [String: Any])
      let offsets = try #require(value["data_offsets"] as? [Int])
      let content = data.dropFirst(offsets[0]).prefix(offsets[1] - offsets[0])
      entries.append(
        (
          name,
          Entry(
            dtype: try #require(value["dtype"] as? String), shape: try #require(value["shape"] as? [Int]),
            data: Data(content)),
          offsets[0], offsets[1]
        ))
    }
    var position = 0
    for entry in entries.sorted(by: { ($0.begin, $0.end) < ($1.begin, $1.end) }) {
      let width = ["F64": 8, "I64": 8, "F32": 4, "I32": 4, "BOOL": 1][entry.entry.dtype] ?? 0
      #expect(entry.begin == position && entry.begin % max(width, 1) == 0, "\(entry.name)")
      #expect(entry.end - entry.begin == entry.entry.shape.reduce(width, *), "\(entry.name)")
      position = entry.end
      tensors.append((entry.name, entry.entry))
    }
    #expect(position == data.count)
  }
}

enum TestTypes {
  static let safetensors = "application/vnd.safetensors"
  static let names = ["float64": "F64", "float32": "F32", "int64": "I64", "int32": "I32", "bool": "BOOL"]
}

extension Response {
  var data: Data { withExtendedLifetime(body) { Data(body.bytes) } }
}

extension InProcessServer {
  func send(_ file: Data, _ endpoint: String = "evaluate", accept: String? = nil) -> Response {
    send("POST", "/v1/\(endpoint)", body: file, contentType: TestTypes.safetensors, accept: accept)
  }

  func send(json: Data, _ endpoint: String = "evaluate", accept: String? = nil) -> Response {
    send("POST", "/v1/\(endpoint)", body: json, accept: accept)
  }
}

/// A JSON request as a safetensors file with the same numbers.
extension TestFile {
  init(_ request: JSONValue, _ document: JSONDocument) throws {
    let dtype = request["dtype"].flatMap { DType(name: $0.string) } ?? .float64
    for (key, value) in request.members {
      let prefix: String
      switch key.string {
      case "inputs": prefix = ""
      case "cotangents", "tangents", "vectors":
        prefix = key.string + "/"
        if value.count == 0 { metadata[key.string] = "{}" }
      default:
        metadata[key.string] = value.kind == .string ? value.string : String(decoding: value.text, as: UTF8.self)
        continue
      }
      for (name, tensor) in value.members {
        let tensor = try TensorDecoder(document: document).decode(tensor, .fallback(dtype))
        let data = tensor.withUnsafeBytes { Data($0) }
        append(
          prefix + name.string, TestTypes.names[tensor.dtype.name] ?? "",
          (0..<tensor.shape.rank).map { tensor.shape[$0] }, data)
      }
    }
  }
}
