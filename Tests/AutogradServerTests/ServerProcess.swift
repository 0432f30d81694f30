@testable import AutogradFormats
import AutogradTestSupport
import Foundation

/// The program itself, which the build leaves beside the tests, as a process. Killed with its workers when the test is
/// over.
final class ServerProcess {
  static let program = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent().appending(
    path: "autograd-server")

  private let process = Process()
  private let log: URL

  /// - Parameter kilobytes: of address space that it and each of its workers may have.
  convenience init(_ options: String..., addressSpace kilobytes: Int? = nil, environment: [String: String] = [:]) throws
  {
    try self.init(options: options, addressSpace: kilobytes, environment: environment)
  }

  init(options: [String], addressSpace kilobytes: Int? = nil, environment: [String: String] = [:]) throws {
    log = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try Data().write(to: log)
    let limit = kilobytes.map { "ulimit -v \($0); " } ?? ""
    process.executableURL = URL(filePath: "/bin/sh")
    process.arguments = ["-c", limit + #"exec "$0" serve "$@""#, ServerProcess.program.path] + options
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { _, new in new }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = try FileHandle(forWritingTo: log)
    try process.run()
  }

  deinit {
    let workers = workers
    for pid in [pid] + workers where ServerProcess.isRunning(pid) { Glibc.kill(pid, SIGKILL) }
    process.waitUntilExit()
    try? FileManager.default.removeItem(at: log)
  }

  var pid: pid_t { process.processIdentifier }

  var output: String { (try? String(contentsOf: log, encoding: .utf8)) ?? "" }

  /// The workers' processes, oldest first.
  var workers: [pid_t] { ServerProcess.children(of: pid) }

  static func children(of pid: pid_t) -> [pid_t] {
    let list = try? String(contentsOfFile: "/proc/\(pid)/task/\(pid)/children", encoding: .utf8)
    return (list ?? "").split(separator: " ").compactMap { pid_t($0) }
  }

  /// The names of its threads.
  static func threads(of pid: pid_t) -> [String] {
    let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task")) ?? []
    return tasks.compactMap { try? String(contentsOfFile: "/proc/\(pid)/task/\($0)/comm", encoding: .utf8) }.map {
      String($0.dropLast())
    }
  }

  /// False for processes that have ended and that nobody has asked for yet.
  static func isRunning(_ pid: pid_t) -> Bool {
    guard let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
      let name = stat.lastIndex(of: ")")
    else {
      return false
    }
    return !stat[name...].hasPrefix(") Z")
  }

  func signal(_ number: Int32) { Glibc.kill(pid, number) }

  /// Its exit status, negative for a signal that ended it; nil if it does not end in time.
  func exitStatus(within seconds: Double = 20) -> Int32? {
    guard eventually(within: seconds, { !process.isRunning }) else { return nil }
    return process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
  }

  /// The port, once it is said.
  func port() -> UInt16? {
    var port: UInt16?
    _ = eventually {
      port = output.firstMatch(of: /listening on http:\/\/127\.0\.0\.1:(\d+)\n/).flatMap { UInt16($0.1) }
      return port != nil || !process.isRunning
    }
    return port
  }

  /// The answer's status; nil if there is none.
  static func get(_ path: String, port: UInt16) -> Int? { fetch(path, port: port)?.status }

  /// - Parameter headers: each ended by CR LF.
  static func fetch(
    _ path: String, port: UInt16, headers: String = "", method: String = "GET", body: String = ""
  ) -> RawResponse? {
    guard let connection = try? RawConnection(port: port) else { return nil }
    let length = body.isEmpty ? "" : "Content-Length: \(body.utf8.count)\r\n"
    try? connection.send(
      "\(method) \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\(headers)\(length)\r\n\(body)")
    return try? connection.readResponse()
  }
}
