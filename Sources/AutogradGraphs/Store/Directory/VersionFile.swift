import AutogradFormats
import Glibc

/// The file of a version: a line of JSON that says what it is, padded with blanks so that the source behind it begins
/// at a multiple of 64 bytes, then the source.
///
///     {"name": "fit", "version": 3, "type": "text/plain", "created": 1796083000123, "bytes": 24, "sha256": "…"}
///
/// A deletion has `"deleted": true` and no source.
enum VersionFile {
  /// So that tensors in a file that is mapped lie as well as in memory of their own.
  private static let alignment = 64
  /// A description is the longest part.
  private static let longestLine = 64 << 10

  /// The first line, with its line end.
  static func line(of version: StoredVersion) -> ByteBuffer {
    let json = ByteBuffer()
    json.append("{\"name\": ")
    json.appendJSONString(version.name.text)
    json.append(", \"version\": \(version.version), \"type\": ")
    json.appendJSONString(version.type.rawValue)
    json.append(", \"created\": \(version.created), \"bytes\": \(version.byteCount), \"sha256\": ")
    json.appendJSONString(version.digest.hex)
    if let description = version.description {
      json.append(", \"description\": ")
      json.appendJSONString(description)
    }
    json.append(version.isDeleted ? ", \"deleted\": true}" : "}")
    while (json.count + 1) % alignment != 0 { json.append(UInt8(ascii: " ")) }
    json.append("\n")
    return json
  }

  /// What the first line of an open file says, checked against its name and length.
  /// - Returns: the version, and where its source begins.
  static func read(_ file: Int32, _ name: GraphName, _ number: Int) throws(StoreError) -> (StoredVersion, start: Int) {
    func damaged(_ reason: String) -> StoreError { .damaged(name.text, number, reason) }
    var status = stat()
    guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { throw damaged("it is not a file") }
    let size = Int(status.st_size)
    let text = ByteBuffer(capacity: 4096)
    var end: Int?
    while end == nil, text.count < min(size, longestLine) {
      let count = pread(file, text.reserve(4096), 4096, off_t(text.count))
      guard count > 0 else { throw count < 0 ? StoreError(errno, damaged) : damaged("its first line is cut off") }
      text.commit(count)
      end = text.bytes.firstIndex(of: UInt8(ascii: "\n"))
    }
    guard let end else { throw damaged("its first line is cut off") }
    guard let version = version(UnsafeRawBufferPointer(rebasing: text.bytes[..<end]), name, number) else {
      throw damaged("its first line does not say what it is")
    }
    let start = end + 1
    guard size - start == version.byteCount else {
      throw damaged("it has \(size - start) bytes of source instead of \(version.byteCount)")
    }
    return (version, start)
  }

  private static func version(_ line: UnsafeRawBufferPointer, _ name: GraphName, _ number: Int) -> StoredVersion? {
    guard let document = try? JSONDocument(parsing: line) else { return nil }
    defer { withExtendedLifetime(document) {} }
    let root = document.root
    guard root.kind == .object, root["name"]?.string == name.text, root["version"]?.integer == number,
      let type = root["type"].flatMap({ GraphMediaType(rawValue: $0.string) }),
      let created = root["created"]?.integer, 0...latest ~= created, let byteCount = root["bytes"]?.integer,
      byteCount >= 0,
      let digest = root["sha256"].flatMap({ SHA256Digest(hex: $0.string) })
    else { return nil }
    var version = StoredVersion(
      name: name, version: number, type: type, created: created, description: root["description"]?.string,
      byteCount: byteCount, digest: digest)
    version.isDeleted = root["deleted"]?.kind == .true
    return version
  }

  /// The end of the year 9999 in milliseconds.
  private static let latest = 253_402_300_799_999

  /// The source of an open file, checked against its digest. Large ones are mapped.
  static func source(_ file: Int32, of version: StoredVersion, from start: Int) throws(StoreError) -> StoredBytes {
    let whole = try FileBytes(file, byteCount: start + version.byteCount) { error in
      StoreError(error) { .damaged(version.name.text, version.version, $0) }
    }
    let bytes = UnsafeRawBufferPointer(rebasing: whole.bytes[start...])
    guard SHA256Digest(of: bytes) == version.digest else {
      throw .damaged(version.name.text, version.version, "its bytes have changed: their SHA-256 is another")
    }
    return StoredBytes(bytes, owner: whole)
  }
}

extension JSONValue {
  /// A number that is an integer.
  fileprivate var integer: Int? { kind == .number ? Int(String(decoding: text, as: UTF8.self)) : nil }
}
