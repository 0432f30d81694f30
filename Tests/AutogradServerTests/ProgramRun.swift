import Foundation

/// The program, run once with arguments: what it prints, and how it ends.
struct ProgramRun {
  let status: Int32
  let output: String
  let error: String

  init(_ arguments: [String], input: String = "", environment: [String: String] = [:], folder: URL? = nil) throws {
    let scratch = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(at: scratch) }
    // Files rather than pipes: nobody has to read while it runs.
    let names = ["input", "output", "error"].map { scratch.appending(path: $0) }
    for (name, text) in zip(names, [input, "", ""]) { try Data(text.utf8).write(to: name) }
    let process = Process()
    process.executableURL = ServerProcess.program
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { _, new in new }
    process.currentDirectoryURL = folder
    process.standardInput = try FileHandle(forReadingFrom: names[0])
    process.standardOutput = try FileHandle(forWritingTo: names[1])
    process.standardError = try FileHandle(forWritingTo: names[2])
    try process.run()
    process.waitUntilExit()
    // The answer may be a file of numbers.
    let texts = try names.map { String(decoding: try Data(contentsOf: $0), as: UTF8.self) }
    (status, output, error) = (process.terminationStatus, texts[1], texts[2])
  }
}
