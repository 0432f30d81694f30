import CMicroHTTPD

/// The conditions of a request: its headers If-Match and If-None-Match (RFC 9110, 13.1).
package struct Conditions: Sendable {
  /// Nil without the header.
  package var ifMatch: String?
  package var ifNoneMatch: String?

  package static let none = Conditions()

  package init(ifMatch: String? = nil, ifNoneMatch: String? = nil) {
    self.ifMatch = ifMatch
    self.ifNoneMatch = ifNoneMatch
  }

  init(of connection: OpaquePointer) {
    ifMatch = Conditions.lines("If-Match", connection)
    ifNoneMatch = Conditions.lines("If-None-Match", connection)
  }

  /// Several lines of one name are one list.
  private static func lines(_ name: String, _ connection: OpaquePointer) -> String? {
    var lines: [String] = []
    withUnsafeMutablePointer(to: &lines) { lines in
      amhd_header_lines(connection, name, lines) { lines, value in
        lines?.assumingMemoryBound(to: [String].self).pointee.append(value.string ?? "")
      }
    }
    return lines.isEmpty ? nil : lines.joined(separator: ", ")
  }
}
