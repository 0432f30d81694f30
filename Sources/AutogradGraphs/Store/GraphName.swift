/// The name of a registered graph: a letter, then up to 63 letters, digits, `_`, `.` and `-`. Case counts.
package struct GraphName: Hashable, Sendable, CustomStringConvertible {
  package let text: String

  package static let longest = 64

  /// Nil for a text that is no name.
  package init?(_ text: some StringProtocol) {
    let bytes = text.utf8
    guard let first = bytes.first, bytes.count <= GraphName.longest, GraphName.isLetter(first),
      bytes.allSatisfy(GraphName.isAllowed)
    else { return nil }
    self.text = String(text)
  }

  private static func isAllowed(_ byte: UInt8) -> Bool {
    isLetter(byte) || (48...57).contains(byte) || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".")
      || byte == UInt8(ascii: "-")
  }

  private static func isLetter(_ byte: UInt8) -> Bool { (97...122).contains(byte | 0x20) }

  package var description: String { text }

  /// The same for two names that differ in case alone: some file systems do not tell them apart.
  package var folded: String { text.lowercased() }
}

extension GraphName: Comparable {
  /// In the order of their bytes.
  package static func < (left: GraphName, right: GraphName) -> Bool {
    left.text.utf8.lexicographicallyPrecedes(right.text.utf8)
  }
}
