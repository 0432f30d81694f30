import Glibc

/// The system's limits for the process, and where each was read.
struct SystemLimits: Sendable {
  struct Found: Sendable, Equatable {
    var name: String
    /// A file, or a system call.
    var place: String
    /// Nil if there is no limit.
    var value: Int?
  }

  /// Bytes of memory: the machine's, and the limits of control groups.
  var memory: [Found]
  /// Bytes that may be mapped, and bytes of private writable memory. Both limits are for each process separately.
  var addressSpace: Found
  var data: Found
  /// Open files, and so also connections.
  var descriptors: Found
  /// Address space and data in use already.
  var mappedBytes: Int
  var dataBytes: Int

  /// - Parameter root: prefix of every path; empty except in tests.
  static func find(root: String = "") -> SystemLimits {
    let page = max(sysconf(Int32(_SC_PAGESIZE)), 1)
    let pages = sysconf(Int32(_SC_PHYS_PAGES))
    // In pages: all, resident, shared, text, libraries, data. A guess if /proc is not available.
    let taken = (SystemFile.text(root + "/proc/self/statm") ?? "").split(whereSeparator: { $0 == " " || $0 == "\n" })
      .compactMap { Int($0) }
    return SystemLimits(
      memory: [
        Found(
          name: "memory of the machine", place: "sysconf(_SC_PHYS_PAGES)", value: pages > 0 ? pages * page : 1 << 31)
      ]
        + ControlGroups(root: root).memoryLimits(),
      addressSpace: resource("address space", "RLIMIT_AS", RLIMIT_AS.rawValue),
      data: resource("writable memory", "RLIMIT_DATA", RLIMIT_DATA.rawValue),
      descriptors: raisedDescriptorLimit(),
      mappedBytes: taken.count > 5 ? taken[0] * page : 160 << 20,
      dataBytes: taken.count > 5 ? taken[5] * page : 64 << 20)
  }

  private static func resource(_ name: String, _ word: String, _ number: UInt32) -> Found {
    var limit = rlimit()
    let isKnown = getrlimit(__rlimit_resource_t(number), &limit) == 0
    return Found(
      name: name, place: "getrlimit(\(word))", value: isKnown && limit.rlim_cur < 1 << 60 ? Int(limit.rlim_cur) : nil)
  }

  /// Raises the soft limit of open files to the hard limit.
  private static func raisedDescriptorLimit() -> Found {
    var limit = rlimit()
    let place = "getrlimit(RLIMIT_NOFILE), raised to its hard limit"
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
      return Found(name: "open files", place: place, value: 1024)
    }
    if limit.rlim_cur < limit.rlim_max {
      var raised = limit
      raised.rlim_cur = limit.rlim_max
      if setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &raised) == 0 { limit = raised }
    }
    return Found(name: "open files", place: place, value: limit.rlim_cur < 1 << 60 ? Int(limit.rlim_cur) : nil)
  }
}

/// Files of the kernel, such as those in /proc.
enum SystemFile {
  /// The first megabyte at most; nil if the file cannot be read.
  static func text(_ path: String) -> String? {
    let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var (text, chunk) = ([UInt8](), [UInt8](repeating: 0, count: 4096))
    while text.count < 1 << 20 {
      let count = read(file, &chunk, chunk.count)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { return nil }
      if count == 0 { break }
      text += chunk[..<count]
    }
    return String(decoding: text, as: UTF8.self)
  }
}
