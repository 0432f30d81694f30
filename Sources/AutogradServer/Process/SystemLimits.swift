import Glibc

/// What the system lets the process have, and where that was found.
struct SystemLimits: Sendable {
  struct Found: Sendable, Equatable {
    var name: String
    /// A file, or the call that tells.
    var place: String
    /// Nil where there is no limit.
    var value: Int?
  }

  /// Bytes of memory: the machine's, and where control groups have limits, theirs.
  var memory: [Found]
  /// Bytes that may be mapped, and how many of these may be private and writable: both of each process by itself.
  var addressSpace: Found
  var data: Found
  /// Files, and so connections, that may be open.
  var descriptors: Found
  /// What of address space and data is taken already.
  var mappedBytes: Int
  var dataBytes: Int

  /// - Parameter root: put before every path; empty but for tests.
  static func find(root: String = "") -> SystemLimits {
    let page = max(sysconf(Int32(_SC_PAGESIZE)), 1)
    let pages = sysconf(Int32(_SC_PHYS_PAGES))
    // In pages: all, resident, shared, text, libraries, data. A guess where /proc is closed.
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

  /// Lets the process open as many files as it may.
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

/// Files that the system makes up, such as those in /proc.
enum SystemFile {
  /// At most a megabyte of it; nil where it cannot be read.
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
