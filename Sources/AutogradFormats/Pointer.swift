/// Pieces of JSON pointers (RFC 6901).
package enum Pointer {
  /// `/name`, with `~` and `/` escaped.
  package static func member(_ name: String) -> String {
    var escaped = "/"
    for character in name.unicodeScalars {
      switch character {
      case "~": escaped += "~0"
      case "/": escaped += "~1"
      default: escaped.unicodeScalars.append(character)
      }
    }
    return escaped
  }
}
