import Glibc

/// What the system lets the process have.
enum SystemLimits {
  /// Bytes of memory that the process may use: the machine's, or less where its control group, such as a container's, has a limit.
  static func memory() -> Int {
    let pages = sysconf(Int32(_SC_PHYS_PAGES))
    let size = sysconf(Int32(_SC_PAGESIZE))
    let machine = pages > 0 && size > 0 ? pages * size : 1 << 31
    // The files of version 2 and of version 1; of a container's own group, which is all that it sees.
    let group = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"].compactMap(number).min()
    return min(machine, group ?? .max)
  }

  /// Lets the process open as many files, and so connections, as it may.
  /// - Returns: how many that is.
  static func raiseDescriptorLimit() -> Int {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1024 }
    if limit.rlim_cur < limit.rlim_max {
      var raised = limit
      raised.rlim_cur = limit.rlim_max
      if setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &raised) == 0 { limit = raised }
    }
    return Int(clamping: limit.rlim_cur)
  }

  /// The number that a file holds; nil where there is no file, or a word such as `max` in it.
  private static func number(in path: String) -> Int? {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var digits = [UInt8](repeating: 0, count: 32)
    let count = read(file, &digits, digits.count)
    guard count > 0 else { return nil }
    return Int(String(decoding: digits[..<count], as: UTF8.self).prefix { $0.isNumber })
  }
}
