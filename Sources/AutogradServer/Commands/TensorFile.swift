import AutogradCore
import AutogradFormats

/// A tensor in a file: `x=@x.npy`, `x=@table.csv:price`, `x=@weights.safetensors:layer.0`.
enum TensorFile {
  private enum Format: String, CaseIterable {
    case npy, csv, json, safetensors

    /// Of a file whose name does not say it.
    init(of bytes: UnsafeRawBufferPointer) {
      if NPYReader.recognizes(bytes) {
        self = .npy
      } else if bytes.count > 8, bytes[7] == 0, bytes[8] == UInt8(ascii: "{") {
        self = .safetensors
      } else {
        let first = bytes.first { $0 > UInt8(ascii: " ") }
        self = first == UInt8(ascii: "[") || first == UInt8(ascii: "{") ? .json : .csv
      }
    }
  }

  /// The tensor as JSON.
  /// - Parameters:
  ///   - argument: the path of the file, perhaps with a colon and the name of a part behind it.
  ///   - input: what it is for.
  static func json(_ argument: String, input: String) throws -> ByteBuffer {
    let (path, format, part) = split(argument)
    let bytes = ByteBuffer()
    try CommandInput.read(path, into: bytes)
    defer { withExtendedLifetime(bytes) {} }
    do throws(FormatError) {
      return try json(bytes.bytes, format ?? Format(of: bytes.bytes), part, input)
    } catch {
      throw CommandProblem(error, in: "\(input)=@\(argument)")
    }
  }

  /// A colon is part of a path, unless it follows a name that says its format.
  private static func split(_ argument: String) -> (path: String, format: Format?, part: String?) {
    for format in Format.allCases {
      let ending = "." + format.rawValue
      if argument.lowercased().hasSuffix(ending) { return (argument, format, nil) }
      guard let end = argument.ranges(of: ending + ":").first?.upperBound else { continue }
      return (String(argument[..<argument.index(before: end)]), format, String(argument[end...]))
    }
    return (argument, nil, nil)
  }

  private static func json(
    _ bytes: UnsafeRawBufferPointer, _ format: Format, _ part: String?, _ input: String
  ) throws(FormatError) -> ByteBuffer {
    switch format {
    case .csv: return try CSVReader.json(bytes, column: part)
    case .safetensors: return try safetensors(bytes, part ?? input)
    case .npy, .json:
      if let part {
        throw FormatError(.wrongType, "a file in .\(format.rawValue) has no parts with names such as \(part)")
      }
      return format == .npy ? encoded(try NPYReader.read(bytes)) : try checked(bytes)
    }
  }

  /// The bytes of a tensor, whatever its size, and its dtype.
  private static func encoded(_ tensor: Tensor) -> ByteBuffer {
    let json = ByteBuffer(capacity: 128 + tensor.type.byteCount / 3 * 4)
    TensorEncoder(form: .base64).append(tensor, to: json)
    return json
  }

  private static func checked(_ bytes: UnsafeRawBufferPointer) throws(FormatError) -> ByteBuffer {
    do throws(JSONSyntaxError) {
      _ = try JSONDocument(parsing: bytes, maximumDepth: Limits().jsonDepth)
    } catch {
      throw FormatError(error)
    }
    let json = ByteBuffer(capacity: bytes.count)
    json.append(bytes)
    return json
  }

  private static func safetensors(_ bytes: UnsafeRawBufferPointer, _ name: String) throws(FormatError) -> ByteBuffer {
    let file = try SafetensorsFile(bytes, maximumDepth: Limits().jsonDepth)
    guard let entry = file.entries.first(where: { $0.name.string == name }) else {
      let names = file.entries.map(\.name.string)
      let near = NearestNames.find(name, among: names)
      let hint =
        near.isEmpty ? "it has \(names.prefix(20).joined(separator: ", "))" : "did you mean \(near[0])?"
      throw FormatError(
        .unknownName, "the file has no tensor called \(name.prefix(64)); \(hint); name one behind a colon")
    }
    let json = ByteBuffer(capacity: 128 + (entry.end - entry.begin) / 3 * 4)
    json.append("{\"dtype\": \"\(entry.dtype.name)\", \"shape\": ")
    json.append(entry.shape.text)
    json.append(", \"encoding\": \"base64\", \"data\": \"")
    Base64.append(UnsafeRawBufferPointer(rebasing: file.data[entry.begin..<entry.end]), to: json)
    json.append("\"}")
    return json
  }
}
