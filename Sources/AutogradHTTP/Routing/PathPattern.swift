/// A path of which segments are parameters: `/v1/graphs/{name}/versions/{version}`. A parameter is one whole segment,
/// never empty, and what was sent: percent signs are not decoded.
struct PathPattern: Sendable {
  private enum Segment: Sendable {
    case fixed([UInt8])
    case parameter
  }

  /// What stands between slashes. A path begins with one, so the first segment is empty.
  private let segments: [Segment]
  private let names: [String]

  /// Nil for a path without parameters.
  init?(_ path: String) {
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    let names = parts.compactMap(PathPattern.parameter)
    if names.isEmpty { return nil }
    self.names = names
    segments = parts.map { PathPattern.parameter($0) == nil ? .fixed(Array($0.utf8)) : .parameter }
  }

  private static func parameter(_ part: Substring) -> String? {
    part.hasPrefix("{") && part.hasSuffix("}") ? String(part.dropFirst().dropLast()) : nil
  }

  /// Nil where the path is not like this.
  func match(_ path: String) -> PathParameters? {
    var values: [String] = []
    guard isLike(path, { values.append(String(decoding: $0, as: UTF8.self)) }) else { return nil }
    return PathParameters(names: names, values: values)
  }

  /// Whether a path is like this.
  /// - Parameter take: called with the bytes of each parameter, as long as the path is like this.
  func isLike(_ path: String, _ take: (UnsafeBufferPointer<UInt8>) -> Void = { _ in }) -> Bool {
    var path = path
    return path.withUTF8 { bytes in
      var start = 0
      for (index, segment) in segments.enumerated() {
        var end = start
        while end < bytes.count, bytes[end] != UInt8(ascii: "/") { end += 1 }
        // All segments but the last are followed by a slash.
        guard (end < bytes.count) == (index < segments.count - 1) else { return false }
        let part = UnsafeBufferPointer(rebasing: bytes[start..<end])
        switch segment {
        case .fixed(let text): if part.count != text.count || !part.elementsEqual(text) { return false }
        case .parameter:
          if part.isEmpty { return false }
          take(part)
        }
        start = end + 1
      }
      return true
    }
  }

  /// How many segments are fixed: of two patterns that a path is like, the one with more is meant.
  var fixedCount: Int { segments.count { if case .fixed = $0 { true } else { false } } }
}

/// What stands in a request's path for the parameters of its route's.
package struct PathParameters: Sendable {
  private let names: [String]
  private let values: [String]

  static let none = PathParameters(names: [], values: [])

  init(names: [String], values: [String]) {
    self.names = names
    self.values = values
  }

  /// As it was sent; empty, which no parameter is, for a name that the path does not have.
  package subscript(name: String) -> String { zip(names, values).first { $0.0 == name }?.1 ?? "" }
}
