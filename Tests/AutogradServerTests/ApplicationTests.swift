import Foundation
import Testing

@testable import AutogradServer

/// The programs in `examples/applications`: the Python files that can be run. The others are modules that they share.
enum Applications {
  static let folder = Project.root.appending(path: "examples/applications")

  static let programs: [String] = {
    let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return files.filter { name in
      guard name.hasSuffix(".py"), let text = try? String(contentsOf: folder.appending(path: name), encoding: .utf8)
      else { return false }
      return text.split(separator: "\n").contains("if __name__ == \"__main__\":")
    }.sorted()
  }()

  struct Run {
    let status: Int32
    let output: String
    let timedOut: Bool
  }

  /// Runs a program with Python, and ends it by force if it takes longer than the limit.
  static func run(_ program: String, against address: String, limit: TimeInterval) throws -> Run {
    let log = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try Data().write(to: log)
    defer { try? FileManager.default.removeItem(at: log) }
    let output = try FileHandle(forWritingTo: log)
    defer { try? output.close() }
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.currentDirectoryURL = folder
    process.arguments = ["python3", "-B", "-u", program]
    process.environment = ProcessInfo.processInfo.environment.merging(["AUTOGRAD_URL": address]) { $1 }
    process.standardInput = FileHandle.nullDevice
    // A file takes any amount at once, so that neither side ever waits for the other.
    process.standardOutput = output
    process.standardError = output
    let finished = DispatchSemaphore(value: 0)
    process.terminationHandler = { _ in finished.signal() }
    try process.run()
    let timedOut = finished.wait(timeout: .now() + limit) == .timedOut
    if timedOut {
      kill(process.processIdentifier, SIGKILL)
      finished.wait()
    }
    let text = (try? Data(contentsOf: log)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    return Run(status: process.terminationStatus, output: text, timedOut: timedOut)
  }
}

/// One after the other, because each keeps a server and a Python busy.
@Suite("Applications", .serialized)
struct ApplicationTests {
  @Test("The published numbers come out", arguments: Applications.programs)
  func program(name: String) throws {
    let live = try LiveServer()
    let run = try Applications.run(name, against: live.address, limit: 300)
    #expect(run.status == 0 && !run.timedOut, "\(run.timedOut ? "it took too long" : "it failed"):\n\(run.output)")
    #expect(!run.output.isEmpty, "it says nothing")
  }

  @Test("None has got lost, and the README has each in its table")
  func completeness() throws {
    let wanted: Set = [
      "nist.py", "rosenbrock.py", "black_scholes.py", "logistic_regression.py", "gaussian_process.py",
      "oscillator_network.py",
    ]
    #expect(wanted.isSubset(of: Applications.programs))
    let readme = String(decoding: try Project.file("examples/README.md"), as: UTF8.self)
    let unlisted = Applications.programs.filter { !readme.contains("[\($0)](applications/\($0))") }
    #expect(unlisted.isEmpty, "not in examples/README.md")
  }

  @Test("A program that fails or hangs is found out")
  func failures() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    func run(_ code: String, limit: TimeInterval) throws -> Applications.Run {
      let file = folder.appending(path: "program.py")
      try Data(code.utf8).write(to: file)
      return try Applications.run(file.path, against: "http://127.0.0.1:1", limit: limit)
    }
    let failed = try run("import os, sys; print(os.environ['AUTOGRAD_URL']); sys.exit('no good')", limit: 60)
    #expect(
      failed.status == 1 && !failed.timedOut && failed.output.contains("http://127.0.0.1:1")
        && failed.output.contains("no good"))
    let hanging = try run("import time; time.sleep(600)", limit: 0.5)
    #expect(hanging.timedOut && hanging.status != 0)
  }
}
