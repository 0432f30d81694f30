/// A list of entity tags, or `*` (RFC 9110, 8.8.3).
package struct EntityTags: Sendable, Equatable {
  private var isAny = false
  private var tags: [Tag] = []

  private struct Tag: Sendable, Equatable {
    var text: Substring
    var isWeak: Bool
  }

  /// Nil for a text that is no such list.
  package init?(_ header: String) {
    var rest = header[...]
    func skipBlanks() { rest = rest.drop { $0 == " " || $0 == "\t" } }
    skipBlanks()
    if rest.first == "*" {
      rest.removeFirst()
      skipBlanks()
      isAny = true
      if !rest.isEmpty { return nil }
      return
    }
    while !rest.isEmpty {
      let isWeak = rest.hasPrefix("W/")
      if isWeak { rest = rest.dropFirst(2) }
      guard rest.first == "\"", let end = rest.dropFirst().firstIndex(of: "\"") else { return nil }
      tags.append(Tag(text: rest[rest.index(after: rest.startIndex)..<end], isWeak: isWeak))
      rest = rest[rest.index(after: end)...]
      skipBlanks()
      if rest.isEmpty { break }
      guard rest.first == "," else { return nil }
      // Empty elements of a list are allowed.
      while rest.first == "," {
        rest.removeFirst()
        skipBlanks()
      }
    }
    if tags.isEmpty { return nil }
  }

  /// Whether a tag, without quotes, is among them as it is; nil is that of what does not exist. For If-Match.
  package func strongly(match tag: String?) -> Bool {
    guard let tag else { return false }
    return isAny || tags.contains { !$0.isWeak && $0.text == tag }
  }

  /// The same where weak tags count too. For If-None-Match.
  package func weakly(match tag: String?) -> Bool {
    guard let tag else { return false }
    return isAny || tags.contains { $0.text == tag }
  }
}
