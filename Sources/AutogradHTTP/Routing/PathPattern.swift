/// A path of which segments are parameters: `/v1/graphs/{name}/versions/{version}`. A parameter is one whole segment,
/// never empty, and what was sent: percent signs are not decoded.
struct PathPattern: Sendable {
  private enum Segment: Sendable, Equatable { case fixed(Substring), parameter }

  private let segments: [Segment]
  private let names: [String]

  /// Nil for a path without parameters.
  init?(_ path: String) {
    let parts = PathPattern.parts(of: path)
    let names = parts.compactMap(PathPattern.parameter)
    if names.isEmpty { return nil }
    self.names = names
    segments = parts.map { PathPattern.parameter($0) == nil ? .fixed($0) : .parameter }
  }

  private static func parameter(_ part: Substring) -> String? {
    part.hasPrefix("{") && part.hasSuffix("}") ? String(part.dropFirst().dropLast()) : nil
  }

  static func parts(of path: String) -> [Substring] { path.split(separator: "/", omittingEmptySubsequences: false) }

  /// Nil where the path, given by its parts, is not like this.
  func match(_ parts: [Substring]) -> PathParameters? {
    guard parts.count == segments.count else { return nil }
    var values: [String] = []
    for (part, segment) in zip(parts, segments) {
      switch segment {
      case .fixed(let text): if part != text { return nil }
      case .parameter:
        if part.isEmpty { return nil }
        values.append(String(part))
      }
    }
    return PathParameters(names: names, values: values)
  }

  /// How many segments are fixed: of two patterns that a path is like, the one with more is meant.
  var fixedCount: Int { segments.count { $0 != .parameter } }
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
