/// Finds similar names for a misspelt one.
public enum NearestNames {
  /// At most three of `candidates` within a third of the name's length in edits, nearest first. Long names and long
  /// lists are cut, so that an error never costs more than the request.
  ///
  /// - Parameter within: the maximum number of edits, if not a third of the length.
  public static func find(_ name: String, among candidates: some Sequence<String>, within: Int? = nil) -> [String] {
    let word = Array(name.utf8.prefix(64))
    // All names of one letter are similar.
    let tolerance = within ?? (word.count < 2 ? 0 : max(1, word.count / 3))
    var found: [(distance: Int, name: String)] = []
    for candidate in candidates.prefix(1000) {
      let other = Array(candidate.utf8.prefix(65))
      guard abs(other.count - word.count) <= tolerance else { continue }
      let distance = editDistance(word, other)
      if distance <= tolerance { found.append((distance, candidate)) }
    }
    return found.sorted { ($0.distance, $0.name) < ($1.distance, $1.name) }.prefix(3).map(\.name)
  }

  /// Insertions, deletions, substitutions and swaps of neighbours, each one edit.
  static func editDistance(_ a: [UInt8], _ b: [UInt8]) -> Int {
    var beforePrevious = [Int](repeating: 0, count: b.count + 1)
    var previous = Array(0...b.count)
    var current = previous
    for i in 0..<a.count {
      current[0] = i + 1
      for j in 0..<b.count {
        let substitution = previous[j] + (a[i] == b[j] ? 0 : 1)
        var best = min(previous[j + 1] + 1, current[j] + 1, substitution)
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { best = min(best, beforePrevious[j - 1] + 1) }
        current[j + 1] = best
      }
      (beforePrevious, previous, current) = (previous, current, beforePrevious)
    }
    return previous[b.count]
  }
}
