import AutogradHTTPTestSupport
import AutogradTestSupport
import Foundation
import Testing

@testable import AutogradFormats
@testable import AutogradHTTP
@testable import AutogradServer

/// Bearer tokens: who gets in, and what of them is to be seen.
@Suite(.timeLimit(.minutes(60)))
struct AccessTests {
  /// A file for the time of a test.
  final class TokenFile {
    let url = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    var path: String { url.path }

    init(_ text: String) throws {
      try write(text)
      chmod(path, 0o600)
    }

    func write(_ text: String) throws { try Data(text.utf8).write(to: url) }
    deinit { try? FileManager.default.removeItem(at: url) }
  }

  private static let token = "0123456789abcdef"
  private static let other = "another.token-that_is+longer/than~the=first"

  // MARK: The file

  @Test func tokensAreReadFromLines() throws {
    let file = try TokenFile("# for people\n\n  \(Self.token)\t\r\n   # indented\n\(Self.other)")
    #expect(try AccessTokens(path: file.path).count == 2)
  }

  @Test(
    arguments: [
      ("", "holds no token"), ("\n  \n# only a remark\n", "holds no token"), ("too-short-really", nil),
      ("too-short-reall", "line 1 of"),
      ("# a\n\(token)\ntwo words of a token", "line 3 of"), ("a-token-with-ümläuts", "line 1 of"),
      ("a-token\u{7f}with-delete", "line 1 of"),
      ("\(token) write\n\(token)", "line 2 of"), ("\(token) write\n\(token) write", nil),
      (String(repeating: "x", count: 512), nil), (String(repeating: "x", count: 513), "line 1 of"),
    ] as [(String, String?)])
  func badFilesAreRefused(text: String, complaint: String?) throws {
    let file = try TokenFile(text)
    do {
      _ = try AccessTokens(path: file.path)
      #expect(complaint == nil)
    } catch {
      #expect(complaint.map { error.description.contains($0) } == true, "\(error)")
      #expect(error.description.contains(file.path))
      for line in text.split(separator: "\n") where line.count > 4 { #expect(!error.description.contains(line)) }
    }
  }

  @Test func fileMustBeThere() {
    #expect {
      try AccessTokens(path: "/nowhere/tokens")
    } throws: {
      "\($0)" == "cannot read the token file /nowhere/tokens: No such file or directory"
    }
    #expect(throws: StartError.self) { try AccessTokens(path: "/tmp") }
  }

  /// Within a time: the open of a FIFO waits for a writer, and a device may have no end.
  @Test(arguments: ["fifo", "/dev/zero", "/dev/tty", "/tmp"]) func onlyRegularFilesAreRead(kind: String) throws {
    let fifo = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString).path
    defer { unlink(fifo) }
    #expect(mkfifo(fifo, 0o600) == 0)
    let path = kind == "fifo" ? fifo : kind
    let start = monotonicNanoseconds()
    let server = try ServerProcess("--port", "0", "--token-file", path)
    #expect(server.exitStatus() == 1)
    #expect(monotonicNanoseconds() - start < 15_000_000_000 && server.output.contains("critical"), "\(server.output)")
    // A process without a terminal has no /dev/tty.
    if kind != "/dev/tty" {
      #expect(server.output.contains("the token file \(path) is not a regular file"), "\(server.output)")
    }
  }

  /// A mount of FUSE whose server never answers: opening a file there waits for ever. What follows is run in it.
  private static let hungMount = """
    import ctypes, os, sys
    device = os.open("/dev/fuse", os.O_RDWR)
    os.set_inheritable(device, True)
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0".encode()
    if ctypes.CDLL(None).mount(b"hung", sys.argv[1].encode(), b"fuse", 0, options) != 0:
      sys.exit(77)
    os.execv(sys.argv[2], sys.argv[2:])
    """

  private static func inHungMount(_ folder: String, _ program: String...) throws -> Process {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/unshare")
    process.arguments = ["--user", "--map-root-user", "--mount", "python3", "-c", hungMount, folder] + program
    process.standardError = FileHandle.nullDevice
    try process.run()
    return process
  }

  /// Where this machine lets processes have mounts of their own.
  private static let canMount: Bool = {
    guard let process = try? inHungMount(FileManager.default.temporaryDirectory.path, "/bin/true") else { return false }
    process.waitUntilExit()
    return process.terminationStatus == 0
  }()

  @Test(.enabled(if: canMount), arguments: ["1", "2"]) func terminationEndsAStartThatHangs(workers: String) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(at: folder) }
    let process = try Self.inHungMount(
      folder.path, ServerProcess.program.path, "serve", "--port", "0", "--workers", workers, "--token-file",
      folder.path + "/tokens")
    defer { kill(process.processIdentifier, SIGKILL) }
    let pid = process.processIdentifier
    #expect(
      eventually {
        let name = try? String(contentsOfFile: "/proc/\(pid)/comm", encoding: .utf8)
        // Which a thread of the log shows to have begun.
        let threads = try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task")
        return name == "autograd-server\n" && threads?.count ?? 0 > 1
      })
    usleep(200_000)
    #expect(process.isRunning)
    kill(pid, SIGTERM)
    try #require(eventually { !process.isRunning })
    #expect(process.terminationReason == .exit && process.terminationStatus == 128 + SIGTERM)
  }

  // MARK: Quotas

  @Test(arguments: [
    "requests-per-second=0", "requests-per-second=x", "requests-per-second=1 requests-per-second=2",
    "work-per-second=-1",
    "work-per-second=nan", "bytes-in-flight=1.5", "another-token-of-the-same-holder", "bytes-in-flight=0", "speed=3",
    "requests-per-second",
    "=1", "write=",
  ])
  func badQuotasAreRefused(words: String) throws {
    let file = try TokenFile("# for people\n\(Self.token) \(words)\n")
    let error = #expect(throws: StartError.self) { try AccessTokens(path: file.path) }
    let message = try #require(error).description
    #expect(
      message.hasPrefix("line 2 of the token file") && message.contains("requests-per-second=NUMBER"), "\(message)")
    #expect(!message.contains(Self.token) && !message.contains("another-token"))
  }

  @Test func quotasHoldForTheirTokens() throws {
    let file = try TokenFile(
      "\(Self.token) requests-per-second=0.01\n\(Self.other)  bytes-in-flight=8192\twork-per-second=1000\n")
    let access = try AccessTokens(path: file.path)
    let live = try LiveServer(access: access)
    let port = live.server.port
    let bearer = "Authorization: Bearer \(Self.token)\r\n"
    #expect(ServerProcess.fetch("/version", port: port, headers: bearer)?.status == 200)
    let refused = try #require(ServerProcess.fetch("/version", port: port, headers: bearer))
    #expect(refused.status == 429 && refused.text.contains(#""reason": "requests_per_second""#))
    #expect((90...100).contains(Int(refused.header("Retry-After") ?? "") ?? 0))
    try access.reload()
    #expect(
      ServerProcess.fetch("/version", port: port, headers: bearer)?.status == 429, "what was had is not forgotten")
    let other = "Authorization: Bearer \(Self.other)\r\n"
    #expect(ServerProcess.fetch("/version", port: port, headers: other)?.status == 200)
    let large = try RawConnection(port: port)
    let numbers = Array(repeating: "0.5", count: 5000).joined(separator: ",")
    let body =
      #"{"graph": {"nodes": [{"op": "exp", "inputs": ["x"], "outputs": ["y"]}]}, "inputs": {"x": [\#(numbers)]}}"#
    try large.send(rawPost("/v1/evaluate", body, headers: other))
    let answer = try large.readResponse()
    #expect(
      answer.status == 413 && answer.text.contains(#""limit": 8192"#), "coming again would not help: \(answer.status)")
    let small =
      #"{"graph": {"nodes": [{"op": "exp", "inputs": ["x"], "outputs": ["y"]}]}, "inputs": {"x": 0.5}"#
      + String(repeating: " ", count: 5000) + "}"
    // The refused request counts until the server has seen its answer off.
    #expect(
      eventually {
        guard let fitting = try? RawConnection(port: port) else { return false }
        try? fitting.send(rawPost("/v1/evaluate", small, headers: other))
        return (try? fitting.readResponse().status) == 200
      })
    try file.write(Self.token)
    try access.reload()
    #expect(ServerProcess.fetch("/version", port: port, headers: bearer)?.status == 200)
  }

  // MARK: The header

  @Test func onlyWholeTokensOpen() throws {
    let file = try TokenFile("\(Self.token)\n\(Self.other)\n\(Self.token)\n")
    let tokens = try AccessTokens(path: file.path)
    func admits(_ header: String?) -> Bool {
      guard let header else { return tokens.tenant(of: nil) != nil }
      return Array(header.utf8).withUnsafeBytes { tokens.tenant(of: $0) != nil }
    }
    for header in ["Bearer \(Self.token)", "bearer \(Self.token)", "BEARER   \(Self.token)", "Bearer \(Self.other)"] {
      #expect(admits(header), "\(header)")
    }
    let long = Self.token + String(repeating: "\0", count: 600)
    for header in [
      nil, "", "Bearer", "Bearer ", Self.token, "Basic \(Self.token)", "Bearer\t\(Self.token)",
      "Bearer \(Self.token.dropLast())",
      "Bearer \(Self.token)0", "Bearer \(Self.token) ", "Bearer \(Self.token)\0", "Bearer \(long)",
      "Bearer \(Self.token.uppercased())",
      "Bearer x\(Self.token.dropFirst())", "Bearer \(Self.token.dropLast())x", "Bearer \(Self.token)\n\(Self.other)",
      "Bearer, Bearer \(Self.token)", "Bearer " + String(repeating: "\0", count: 512), "Bearer # for people",
    ] {
      #expect(!admits(header), "\(header ?? "none")")
    }
  }

  // MARK: The server

  @Test func everythingButProbesNeedsAToken() throws {
    let file = try TokenFile(Self.token)
    let live = try LiveServer(access: try AccessTokens(path: file.path))
    let port = live.server.port
    for path in ["/livez", "/readyz"] { #expect(ServerProcess.get(path, port: port) == 200) }
    let paths =
      Routes.paths.map { $0.replacingOccurrences(of: "{name}", with: "add") } + [
        "/nowhere", "/livez/", "/livez%00", "//livez",
      ]
    // The page asks for the token.
    let open = ["/", "/client.js", "/page/page.js"]
    for path in open { #expect(ServerProcess.get(path, port: port) == 200, "\(path)") }
    for path in paths where !(["/livez", "/readyz", "/page/add"] + open).contains(path) {
      let refused = try #require(ServerProcess.fetch(path, port: port))
      #expect(refused.status == 401 && refused.header("WWW-Authenticate") == "Bearer", "\(path)")
      #expect(
        refused.header("Connection")?.lowercased() == "close" && refused.text.contains(#""code": "unauthorized""#))
      #expect(
        ServerProcess.fetch(path, port: port, headers: "Authorization: Bearer \(Self.token)\r\n")?.status != 401,
        "\(path)")
    }
    for request in ["POST /livez", "OPTIONS /livez", "POST /v1/evaluate"] {
      let connection = try RawConnection(port: port)
      // Refused by its head: the body never comes.
      try connection.send("\(request) HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n")
      #expect(try connection.readResponse().status == 401, "\(request)")
      #expect(connection.isClosedByServer())
    }
    let twice = "Authorization: Bearer \(Self.token)\r\nauthorization: Bearer \(Self.token)\r\n"
    #expect(ServerProcess.fetch("/version", port: port, headers: twice)?.status == 401, "nobody can say which counts")
    let page = try PrometheusPage(port: port, headers: "Authorization: Bearer \(Self.token)\r\n")
    #expect(page.value("autograd_refusals_total", ["code": "unauthorized"]) > 10)
    #expect(page.value("autograd_requests_total", ["route": "/v1/evaluate", "method": "POST", "status": "401"]) == 1)
    #expect(page.value("autograd_requests_total", ["route": "/livez", "method": "GET", "status": "200"]) == 1)
  }

  @Test func hangupReadsTheFileAnew() throws {
    let file = try TokenFile(Self.token)
    let server = try ServerProcess("--port", "0", "--token-file", file.path)
    let port = try #require(server.port(), "\(server.output)")
    func status(_ token: String) -> Int? {
      ServerProcess.fetch("/version", port: port, headers: "Authorization: Bearer \(token)\r\n")?.status
    }
    #expect(status(Self.token) == 200 && status(Self.other) == 401)
    try file.write("short\n")
    server.signal(SIGHUP)
    #expect(
      eventually { server.output.contains("error SIGHUP: keeping the old tokens: line 1 of the token file") },
      "\(server.output)")
    #expect(status(Self.token) == 200)
    try file.write(Self.other)
    chmod(file.path, 0o644)
    server.signal(SIGHUP)
    #expect(
      eventually { server.output.contains("info SIGHUP: 1 tokens read") && status(Self.other) == 200 },
      "\(server.output)")
    #expect(status(Self.token) == 401)
    #expect(
      eventually { server.output.contains("warning the token file \(file.path) can be read by others: chmod o-r") })
    server.signal(SIGTERM)
    #expect(server.exitStatus() == 0)
    for secret in [Self.token, Self.other, "short"] { #expect(!server.output.contains(secret), "\(server.output)") }
  }

  @Test(arguments: [1, 2]) func badFileKeepsTheServerFromStarting(workers: Int) throws {
    let file = try TokenFile("# nothing yet\n")
    let server = try ServerProcess("--port", "0", "--workers", "\(workers)", "--token-file", file.path)
    #expect(server.exitStatus() == 1)
    #expect(server.output.contains("critical the token file \(file.path) holds no token"), "\(server.output)")
    #expect(!server.output.contains("listening"))
  }

  @Test func badFileLeavesTheOldWorkersServing() throws {
    let file = try TokenFile(Self.token)
    let server = try ServerProcess("--port", "0", "--workers", "2", "--token-file", file.path)
    let port = try #require(server.port(), "\(server.output)")
    func status(_ token: String) -> Int? {
      ServerProcess.fetch("/version", port: port, headers: "Authorization: Bearer \(token)\r\n")?.status
    }
    // Both have read the file when both are counted.
    let header = "Authorization: Bearer \(Self.token)\r\n"
    try #require(eventually { (try? PrometheusPage(port: port, headers: header).value("autograd_workers")) == 2 })
    let before = server.workers
    try file.write("")
    server.signal(SIGHUP)
    #expect(eventually { server.output.contains("keeping the old ones") }, "\(server.output)")
    #expect(eventually { server.workers == before } && status(Self.token) == 200)
    try file.write(Self.other)
    server.signal(SIGHUP)
    #expect(
      eventually { server.output.contains("replaced all workers") && status(Self.token) == 401 }, "\(server.output)")
    #expect(status(Self.other) == 200)
    server.signal(SIGTERM)
    #expect(server.exitStatus() == 0)
  }

  @Test func openAddressesAreWarnedOf() throws {
    let file = try TokenFile(Self.token)
    func output(_ options: String...) throws -> String {
      let server =
        options.count == 2
        ? try ServerProcess("--port", "0", options[0], options[1])
        : try ServerProcess("--port", "0", options[0], options[1], options[2], options[3])
      #expect(eventually { server.output.contains("listening on") })
      server.signal(SIGTERM)
      #expect(server.exitStatus() == 0)
      return server.output
    }
    let warning = "can be reached from other machines and no token is required: use --token-file"
    #expect(try output("--host", "0.0.0.0").contains("warning 0.0.0.0 \(warning)"))
    #expect(try output("--host", "0.0.0.0", "--workers", "2").contains("warning 0.0.0.0 \(warning)"))
    for quiet in [
      try output("--host", "127.0.0.1"), try output("--host", "localhost"),
      try output("--host", "0.0.0.0", "--token-file", file.path),
    ] {
      #expect(!quiet.contains("warning"), "\(quiet)")
    }
  }

  @Test func healthChecksNeedNoToken() throws {
    let file = try TokenFile(Self.token)
    let server = try ServerProcess("--port", "0", "--token-file", file.path)
    let port = try #require(server.port(), "\(server.output)")
    let check = try Process.run(ServerProcess.program, arguments: ["healthcheck", "--port", "\(port)"])
    check.waitUntilExit()
    #expect(check.terminationStatus == 0)
  }
}
