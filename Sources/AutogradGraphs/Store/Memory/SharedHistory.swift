/// The versions of a name from the first since the last deletion on, as long as they are asked for again and again: to
/// find one, all later ones must be read.
struct SharedHistory {
  /// By place; those of one place lie behind the same deletion.
  private var known: [Int: (floor: Int, versions: [StoredVersion])] = [:]
  private var count = 0

  /// All histories together have at most that many versions.
  private static let most = 50_000

  func versions(_ place: Int, floor: Int) -> [StoredVersion] {
    guard let known = known[place], known.floor == floor else { return [] }
    return known.versions
  }

  mutating func store(_ versions: [StoredVersion], _ place: Int, floor: Int) {
    count -= known.removeValue(forKey: place)?.versions.count ?? 0
    if count + versions.count > SharedHistory.most { (known, count) = ([:], 0) }
    guard versions.count <= SharedHistory.most else { return }
    known[place] = (floor, versions)
    count += versions.count
  }
}
