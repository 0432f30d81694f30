import Glibc

/// Memory that can be taken before the system kills a process for it. Shared memory is not refused when it has run out,
/// so this is looked at before.
package struct AvailableMemory {
  /// Prefix of every path; empty except in tests.
  var root = ""

  package static func bytes() -> Int { AvailableMemory().count() }

  /// The least of what the machine has and what the control groups around the process leave; no limit where the system
  /// does not say.
  func count() -> Int { min(machine(), Version.allCases.map(groups).min() ?? .max) }

  /// What is free, what can be freed, and what can be swapped out.
  private func machine() -> Int {
    guard let text = text("/proc/meminfo"), let available = number(behind: "MemAvailable:", text) else { return .max }
    return (available + (number(behind: "SwapFree:", text) ?? 0)) * 1024
  }

  /// Of control groups, where they are usually mounted. See cgroups(7).
  private enum Version: CaseIterable {
    case one, two

    /// What follows the number in the line of /proc/self/cgroup.
    var mark: String { self == .one ? ":memory:/" : "::/" }
    var folder: String { self == .one ? "/sys/fs/cgroup/memory" : "/sys/fs/cgroup" }
    var most: String { self == .one ? "memory.limit_in_bytes" : "memory.max" }
    var taken: String { self == .one ? "memory.usage_in_bytes" : "memory.current" }
    /// The cache of files, which is dropped when the group needs memory.
    var cache: [String] {
      self == .one ? ["total_inactive_file ", "total_active_file "] : ["inactive_file ", "active_file "]
    }
  }

  private func groups(_ version: Version) -> Int {
    var folder = version.folder
    var least = group(folder, version)
    let lines = (text("/proc/self/cgroup") ?? []).split(separator: UInt8(ascii: "\n"))
    let path = lines.lazy.map { $0.drop { $0 != UInt8(ascii: ":") } }.first { $0.starts(with: version.mark.utf8) }
    // A container may see its own group as the root but the path from outside; then the folders are not there.
    for name in (path ?? []).dropFirst(version.mark.utf8.count).split(separator: UInt8(ascii: "/"))
    where !name.elementsEqual("..".utf8) {
      folder += "/" + String(decoding: name, as: UTF8.self)
      least = min(least, group(folder, version))
    }
    return least
  }

  /// What a group may still take.
  private func group(_ folder: String, _ version: Version) -> Int {
    guard let most = text("\(folder)/\(version.most)").flatMap({ number($0[...]) }),
      let taken = text("\(folder)/\(version.taken)").flatMap({ number($0[...]) }),
      let statistics = text("\(folder)/memory.stat")
    else { return .max }
    let cache = version.cache.reduce(0) { $0 + (number(behind: $1, statistics) ?? 0) }
    return max(most - max(taken - cache, 0), 0)
  }

  /// The number in the line that begins with a key.
  private func number(behind key: String, _ text: [UInt8]) -> Int? {
    text.split(separator: UInt8(ascii: "\n")).first { $0.starts(with: key.utf8) }
      .flatMap { number($0.dropFirst(key.utf8.count).drop { $0 == UInt8(ascii: " ") }) }
  }

  /// Nil for `max`, which is no limit.
  private func number(_ text: ArraySlice<UInt8>) -> Int? {
    let digits = text.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    return digits.isEmpty ? nil : Int(String(decoding: digits, as: UTF8.self))
  }

  private func text(_ path: String) -> [UInt8]? {
    let file = open(root + path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: 16 << 10)
    let count = read(file, &bytes, bytes.count)
    return count >= 0 ? Array(bytes.prefix(count)) : nil
  }
}
