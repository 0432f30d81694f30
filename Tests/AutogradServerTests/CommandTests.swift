import AutogradTestSupport
import Foundation
import Testing

@testable import AutogradServer

/// The program's commands beside `serve`, and what it says to settings that cannot be.
@Suite(.timeLimit(.minutes(60)))
struct CommandTests {
  private func run(
    _ arguments: String..., input: String = "", environment: [String: String] = [:]
  ) throws -> ProgramRun {
    try ProgramRun(arguments, input: input, environment: environment)
  }

  private static let request =
    #"{"graph": {"nodes": [{"op": "square", "inputs": ["x"], "outputs": ["y"]}]}, "inputs": {"x": 3}}"#

  @Test func evaluateAnswersAsTheServerDoes() throws {
    let result = try run("evaluate", "-", input: Self.request)
    #expect(result.status == 0 && result.error.isEmpty)
    #expect(result.output == InProcessServer().send("POST", "/v1/evaluate", body: Data(Self.request.utf8)).body.string)
  }

  @Test func evaluateTakesSafetensors() throws {
    let graph = #"{\"nodes\": [{\"op\": \"identity\", \"inputs\": [\"x\"], \"outputs\": [\"y\"]}]}"#
    let header =
      #"{"__metadata__": {"graph": "\#(graph)"}, "x": {"dtype": "F64", "shape": [1], "data_offsets": [0, 8]}}"#
    let file =
      withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Data($0) } + Data(header.utf8) + Data(count: 8)
    let path = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try file.write(to: path)
    defer { try? FileManager.default.removeItem(at: path) }
    let result = try run("evaluate", path.path)
    #expect(result.status == 0 && result.output.contains("outputs/y"), "\(result.error)")
  }

  @Test func evaluateRefuses() throws {
    let problem = try run("evaluate", "-", input: "{")
    #expect(problem.status == 1 && problem.output.isEmpty && problem.error.contains("invalid_json"))
    let missing = try run("evaluate", "/nowhere/at/all")
    #expect(missing.status == 64 && missing.error.contains("No such file"))
    #expect(missing.error.contains("Usage: autograd-server evaluate <file> "), "\(missing.error)")
    let directory = try run("evaluate", "/")
    #expect(directory.status == 64 && directory.error.contains("directory"))
  }

  @Test func formatPrintsBothForms() throws {
    let graph =
      #"{"nodes": [{"op": "pow", "inputs": ["x", 2.0], "outputs": ["_7"]}, "#
      + #"{"op": "sum", "inputs": ["_7"], "outputs": "y", "attributes": {"axis": null}}]}"#
    #expect(try run("format", "-", input: graph).output == "y = sum(x**2)\n")
    let json = try run("format", "-", "--json", input: graph)
    #expect(
      json.output
        == #"{"nodes": [{"op": "pow", "inputs": ["x", 2], "outputs": ["_1"]}, "#
        + #"{"op": "sum", "inputs": ["_1"], "outputs": ["y"]}]}"# + "\n")
    #expect(try run("format", "-", "--json", input: json.output).output == json.output)
    let wrong = try run("format", "-", input: #"{"nodes": [{"op": "cosine", "inputs": ["x"], "outputs": ["y"]}]}"#)
    #expect(wrong.status == 1 && wrong.output.isEmpty)
    #expect(wrong.error.hasPrefix("/nodes/0/op: unknown_operation: "), "\(wrong.error)")
    for formula in ["sum ( x^2 )", "\"sum(x ** 2)\""] {
      #expect(try run("format", "-", input: formula).output == "result = sum(x**2)\n")
    }
    let misspelled = try run("format", "-", input: "y = x\nz = cosine(x)")
    #expect(misspelled.error.hasPrefix("line 2, column 5: unknown_operation: "), "\(misspelled.error)")
    #expect(misspelled.error.hasSuffix("\nz = cosine(x)\n    ^\n"), "\(misspelled.error)")
  }

  @Test func operationsAreListedAndExplained() throws {
    let list = try run("operations")
    #expect(list.status == 0 && list.output.contains("\nmatmul "))
    #expect(try run("operations", "--json").output == OperationsDocument.list.string)
    let one = try run("operations", "clip")
    for part in ["clip(", "\nattributes\n", "\nconventions\n", "\nexample\n  y = clip(x, min=-0.5, max=0.5)\n"] {
      #expect(one.output.contains(part), "\(part)")
    }
    #expect(try run("operations", "clip", "--json").output == OperationsDocument.document(of: "clip")?.string)
    #expect(try run("operations", "--page").output == OperationsPage.text().string)
  }

  @Test func operationsThatAreNone() throws {
    let unknown = try run("operations", "multiply")
    #expect(unknown.status == 64 && unknown.error.contains("did you mean mul"))
    #expect(unknown.error.contains("Usage: autograd-server operations"), "\(unknown.error)")
    #expect(try run("operations", "--page", "clip").status == 64)
  }

  @Test func healthcheckSeesWhetherAServerAnswers() throws {
    let server = try ServerProcess("--port", "0")
    let port = try #require(server.port())
    #expect(try run("healthcheck", "--port", "\(port)").status == 0)
    #expect(try run("healthcheck", environment: ["AUTOGRAD_PORT": "\(port)", "AUTOGRAD_HOST": "0.0.0.0"]).status == 0)
    server.signal(SIGTERM)
    #expect(server.exitStatus() == 0)
    #expect(try run("healthcheck", "--port", "\(port)").status == 1)
    #expect(try run("healthcheck", "--host", "no such host").status == 1)
  }

  @Test(arguments: [
    ("AUTOGRAD_PORT", "http", "a whole number from 0 to 65535"), ("AUTOGRAD_LOG_REQUESTS", "maybe", "true or false"),
    ("AUTOGRAD_THREADS", "2.5", "a whole number"), ("AUTOGRAD_THREADS", "0", "from 1 to 1024"),
  ])
  func settingsThatCannotBe(variable: String, value: String, expected: String) throws {
    let result = try run("serve", environment: [variable: value])
    #expect(
      result.status == 64 && result.error.contains(variable) && result.error.contains(expected), "\(result.error)")
  }

  @Test(arguments: [
    ("AUTOGRAD_TOKENFILE", "did you mean AUTOGRAD_TOKEN_FILE?"),
    ("AUTOGRAD_MAX_NODE", "did you mean AUTOGRAD_MAX_NODES?"),
    ("AUTOGRAD_XYZZY_PLUGH", "autograd-server serve --help lists them"), ("AUTOGRAD_", "--help lists them"),
  ])
  func settingsThatAreNone(variable: String, hint: String) throws {
    let unknown = try run("serve", environment: [variable: "1"])
    #expect(unknown.status == 64 && unknown.error.contains("unknown setting \(variable); "), "\(unknown.error)")
    #expect(unknown.error.contains(hint), "\(unknown.error)")
  }

  /// What the help names is what is known, and nothing else is.
  @Test func settingsAreThoseOfTheHelp() throws {
    let named = ServeCommand.helpMessage(columns: 1000).matches(of: /AUTOGRAD_[A-Z_]+/).map { String($0.output) }
    #expect(named == SettingNames.all && named.contains("AUTOGRAD_TOKEN_FILE"))
    for name in named { #expect(throws: Never.self) { try SettingNames.check(["\(name)=x"]) } }
  }

  /// Kubernetes tells each pod of the services around it by variables that nobody chose.
  @Test func servicesAroundAreNoSettings() throws {
    try SettingNames.check([
      "PATH=/bin", "AUTOGRAD_SERVER_SERVICE_HOST=10.0.0.1", "AUTOGRAD_SERVER_SERVICE_PORT=8080",
      "AUTOGRAD_SERVER_SERVICE_PORT_HTTP=8080",
      "AUTOGRAD_SERVER_PORT=tcp://10.0.0.1:8080", "AUTOGRAD_SERVER_PORT_8080_TCP=tcp://10.0.0.1:8080",
      "AUTOGRAD_SERVER_PORT_8080_TCP_ADDR=10.0.0.1", "AUTOGRAD_SUPERVISED=3,4", "AUTOGRADE=1",
    ])
    #expect(throws: (any Error).self) { try SettingNames.check(["AUTOGRAD_SERVER_PORT=8080"]) }
  }

  @Test func argumentsAreThoseOfTheProcess() {
    #expect(ProgramArguments.all == CommandLine.arguments && !ProgramArguments.all.isEmpty)
  }

  /// Where this machine lets processes have mounts of their own.
  private static let canHideProc: Bool = {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/unshare")
    process.arguments = ["--user", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "none", "/proc"]
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return false }
    process.waitUntilExit()
    return process.terminationStatus == 0
  }()

  @Test(.enabled(if: canHideProc)) func argumentsWithoutProc() throws {
    let hidden = ["--user", "--map-root-user", "--mount", "sh", "-c", #"mount -t tmpfs none /proc && exec "$0" "$@""#]
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(filePath: "/usr/bin/unshare")
    process.arguments = hidden + [ServerProcess.program.path, "operations", "mul", "--json"]
    process.standardOutput = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 0 && text == OperationsDocument.document(of: "mul")?.string, "\(text)")
  }

  @Test func anAddressThatIsTakenOrNone() throws {
    let server = try ServerProcess("--port", "0")
    let port = try #require(server.port())
    let taken = try run("serve", "--port", "\(port)")
    #expect(taken.status == 1 && taken.error.contains("critical"))
    #expect(try run("serve", "--host", "no such host").status == 1)
  }
}
