/// The memory limits of this process's control group and of every group around it. Any of them may be the smallest.
/// systemd's `MemoryMax`, a container's limit and a pod's are such limits.
///
/// `/proc/self/cgroup` names the groups, `/proc/self/mountinfo` says where they are mounted. Version 2 has one tree,
/// version 1 a tree for memory; both may be present. See cgroups(7) and proc_pid_mountinfo(5).
struct ControlGroups {
  /// Prefix of every path; empty except in tests.
  var root = ""

  /// Each limit that could be read, innermost group first; the value is nil if the group has no limit.
  func memoryLimits() -> [SystemLimits.Found] {
    let mounts = self.mounts()
    let found = paths().flatMap { group in
      mounts.filter { $0.isVersion2 == group.isVersion2 }.flatMap { limits(of: group.path, in: $0) }
    }
    if !found.isEmpty { return found }
    // Without /proc: a container's own group is mounted as the root.
    return [("/sys/fs/cgroup", true), ("/sys/fs/cgroup/memory", false)].flatMap { folder, isVersion2 in
      limits(of: "/", in: Mount(isVersion2: isVersion2, group: "/", folder: folder))
    }
  }

  private struct Mount {
    var isVersion2: Bool
    /// The mounted group, and its mount point.
    var group: String
    var folder: String
    var file: String { isVersion2 ? "memory.max" : "memory.limit_in_bytes" }
  }

  /// The process's groups: lines such as `0::/system.slice/autograd.service` and `4:memory:/docker/3f2a`.
  private func paths() -> [(isVersion2: Bool, path: String)] {
    (SystemFile.text(root + "/proc/self/cgroup") ?? "").split(separator: "\n").compactMap { line in
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { return nil }
      if parts[0] == "0" && parts[1].isEmpty { return (true, String(parts[2])) }
      return parts[1].split(separator: ",").contains("memory") ? (false, String(parts[2])) : nil
    }
  }

  /// Lines such as `35 31 0:32 /docker/3f2a /sys/fs/cgroup/memory rw shared:9 - cgroup cgroup rw,memory`.
  private func mounts() -> [Mount] {
    (SystemFile.text(root + "/proc/self/mountinfo") ?? "").split(separator: "\n").compactMap { line in
      let fields = line.split(separator: " ")
      guard let dash = fields.firstIndex(of: "-"), dash >= 6, fields.count > dash + 3 else { return nil }
      let isVersion2 = fields[dash + 1] == "cgroup2"
      let isMemory = fields[dash + 1] == "cgroup" && fields[dash + 3].split(separator: ",").contains("memory")
      guard isVersion2 || isMemory else { return nil }
      return Mount(
        isVersion2: isVersion2, group: ControlGroups.unescaped(fields[3]), folder: ControlGroups.unescaped(fields[4]))
    }
  }

  /// From the group up to the mounted group; groups further up are not visible.
  private func limits(of path: String, in mount: Mount) -> [SystemLimits.Found] {
    var found: [SystemLimits.Found] = []
    var names = ControlGroups.names(of: path, below: mount.group)
    while true {
      let place = ([mount.folder == "/" ? "" : mount.folder] + names + [mount.file]).joined(separator: "/")
      if let text = SystemFile.text(root + place) {
        found.append(
          SystemLimits.Found(name: "memory of a control group", place: place, value: ControlGroups.limit(text)))
      }
      if names.isEmpty { return found }
      names.removeLast()
    }
  }

  /// The folders from the mounted group down to the process's group. Empty if that is not below it: a container may see
  /// its own group as the root but the path from outside.
  private static func names(of path: String, below group: String) -> [String] {
    let (all, above) = (path.split(separator: "/"), group.split(separator: "/"))
    guard all.starts(with: above), !all.contains("..") else { return [] }
    return all.dropFirst(above.count).map(String.init)
  }

  /// Nil for `max`, and for the largest value of version 1, which means no limit.
  private static func limit(_ text: String) -> Int? {
    let digits = text.prefix { $0 >= "0" && $0 <= "9" }
    guard !digits.isEmpty else { return nil }
    let value = Int(digits) ?? .max
    return value < 1 << 60 ? value : nil
  }

  /// Undoes escapes such as `\040` for a space.
  private static func unescaped(_ field: Substring) -> String {
    var bytes: [UInt8] = []
    var rest = Array(field.utf8)[...]
    while let first = rest.popFirst() {
      let digits = rest.prefix(3)
      if first == UInt8(ascii: "\\"), digits.count == 3,
        let byte = UInt8(String(decoding: digits, as: UTF8.self), radix: 8)
      {
        bytes.append(byte)
        rest = rest.dropFirst(3)
      } else {
        bytes.append(first)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
