import AutogradFormats
import Glibc

/// Facts about a process from `/proc`; nil if `/proc` is not available.
enum ProcessFacts {
  static func processorMicroseconds(of pid: pid_t) -> UInt64? {
    // The name, second and in parentheses, may hold anything. User and system time are the 14th and 15th.
    guard let stat = text("/proc/\(pid)/stat"), let name = stat.lastIndex(of: ")") else { return nil }
    let fields = stat[name...].split(separator: " ")
    guard fields.count > 13, let user = UInt64(fields[12]), let system = UInt64(fields[13]) else { return nil }
    let ticks = UInt64(max(sysconf(Int32(_SC_CLK_TCK)), 1))
    return (user &+ system) &* (1_000_000 / ticks)
  }

  static func residentBytes(of pid: pid_t) -> Int? {
    guard let fields = text("/proc/\(pid)/statm")?.split(separator: " "), fields.count > 1 else { return nil }
    return Int(fields[1]).map { $0 * sysconf(Int32(_SC_PAGESIZE)) }
  }

  static func openDescriptors(of pid: pid_t) -> Int? {
    guard let folder = opendir("/proc/\(pid)/fd") else { return nil }
    defer { closedir(folder) }
    var count = 0
    while readdir(folder) != nil { count += 1 }
    // Without `.` and `..`, and in our own process without the descriptor of the folder itself.
    return count - 2 - (pid == getpid() ? 1 : 0)
  }

  /// Whether a debugger is attached.
  static func isTraced(_ pid: pid_t) -> Bool {
    let tracer = text("/proc/\(pid)/status")?.split(separator: "\n").first { $0.hasPrefix("TracerPid:") }
    return tracer.map { !$0.hasSuffix("\t0") } ?? false
  }

  static var mostDescriptors: Int? {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return nil }
    return Int(clamping: limit.rlim_cur)
  }

  private static func text(_ path: String) -> String? {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: 1024)
    let count = read(file, &bytes, bytes.count)
    return count > 0 ? String(decoding: bytes.prefix(count), as: UTF8.self) : nil
  }
}
