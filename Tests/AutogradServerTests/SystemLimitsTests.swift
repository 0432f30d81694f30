import AutogradHTTPTestSupport
import AutogradTestSupport
import Foundation
import Testing

@testable import AutogradHTTP
@testable import AutogradServer

/// Limits of the system: found wherever they stand, and kept to.
@Suite(.timeLimit(.minutes(60)))
struct SystemLimitsTests {
  /// A made-up machine: files by their paths.
  private final class Machine {
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)

    init(_ files: [String: String]) throws {
      for (path, text) in files {
        let file = folder.appending(path: path)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
      }
    }

    var limits: [String] {
      ControlGroups(root: folder.path).memoryLimits().map { "\($0.place) \($0.value.map(String.init) ?? "none")" }
    }

    deinit { try? FileManager.default.removeItem(at: folder) }
  }

  private static let version2 = "23 18 0:21 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"

  /// systemd's MemoryMax of a service, and of the slice around it.
  @Test func version2UpTheTree() throws {
    let machine = try Machine([
      "proc/self/cgroup": "0::/system.slice/autograd server.service\n",
      "proc/self/mountinfo": "18 1 8:1 / / rw - ext4 /dev/sda1 rw\n" + Self.version2,
      "sys/fs/cgroup/system.slice/autograd server.service/memory.max": "max\n",
      "sys/fs/cgroup/system.slice/memory.max": "268435456\n",
      "sys/fs/cgroup/other.slice/memory.max": "1\n",
    ])
    #expect(
      machine.limits == [
        "/sys/fs/cgroup/system.slice/autograd server.service/memory.max none",
        "/sys/fs/cgroup/system.slice/memory.max 268435456",
      ])
  }

  /// Version 1 beside an empty tree of version 2, as on machines between the two; a mount with a space in its name.
  @Test func version1() throws {
    let machine = try Machine([
      "proc/self/cgroup": "5:devices:/a\n4:cpu,memory:/pod/one\n1:name=systemd:/\n0::/\n",
      "proc/self/mountinfo": "35 31 0:32 / /my\\040groups rw,relatime - cgroup cgroup rw,cpu,memory\n"
        + "36 31 0:33 / /sys/fs/cgroup/devices rw - cgroup cgroup rw,devices\n41 31 0:38 / /sys/fs/cgroup/unified rw "
        + "- cgroup2 cgroup2 rw\n",
      "my groups/pod/one/memory.limit_in_bytes": "9223372036854771712\n",
      "my groups/pod/memory.limit_in_bytes": "1000000\n",
      "my groups/memory.limit_in_bytes": "9223372036854771712\n", "sys/fs/cgroup/devices/memory.limit_in_bytes": "1\n",
    ])
    #expect(
      machine.limits == [
        "/my groups/pod/one/memory.limit_in_bytes none", "/my groups/pod/memory.limit_in_bytes 1000000",
        "/my groups/memory.limit_in_bytes none",
      ])
  }

  /// A container that sees its own group as the root of the tree, and is told its path outside, inside or relative to
  /// the root.
  @Test(arguments: [
    ("/docker/3f2a", "/docker/3f2a"), ("/docker/3f2a", "/"), ("/../../x", "/"), ("/", "/"), ("/elsewhere", "/docker"),
  ])
  func containers(path: String, mounted: String) throws {
    let machine = try Machine([
      "proc/self/cgroup": "0::\(path)\n",
      "proc/self/mountinfo": "23 18 0:21 \(mounted) /sys/fs/cgroup ro - cgroup2 cgroup rw\n",
      "sys/fs/cgroup/memory.max": "5000\n",
    ])
    #expect(machine.limits == ["/sys/fs/cgroup/memory.max 5000"])
  }

  @Test func withoutProc() throws {
    let machine = try Machine(["sys/fs/cgroup/memory.max": "7\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "8"])
    #expect(machine.limits == ["/sys/fs/cgroup/memory.max 7", "/sys/fs/cgroup/memory/memory.limit_in_bytes 8"])
    #expect(try Machine([:]).limits.isEmpty)
    #expect(try Machine(["proc/self/cgroup": "x\n::\n", "proc/self/mountinfo": "-\n1 - a\n - - - \n"]).limits.isEmpty)
  }

  // MARK: What follows

  private func system(
    memory: [Int?], addressSpace: Int? = nil, data: Int? = nil, descriptors: Int? = nil
  ) -> SystemLimits {
    func found(_ value: Int?) -> SystemLimits.Found {
      SystemLimits.Found(name: "a limit", place: "somewhere", value: value)
    }
    return SystemLimits(
      memory: memory.map(found), addressSpace: found(addressSpace), data: found(data), descriptors: found(descriptors),
      mappedBytes: 100 << 20, dataBytes: 50 << 20)
  }

  /// Two stacks of 8 MiB, three of 2, four of helpers, nine small ones, and that of the health thread.
  private static let stacks = 2 * (8 << 20) + 3 * (2 << 20) + 4 * (512 << 10) + 9 * (256 << 10) + (1 << 20)

  /// A sixteenth is for stacks of jobs that are paused.
  private func withoutPaused(_ room: Int) -> Int { room - room / 16 / (2 << 20) * (2 << 20) }

  @Test func theSmallestCounts() throws {
    var configuration = Configuration()
    func memory(_ system: SystemLimits) throws -> Int { try Resources(configuration, system).memory }
    #expect(try memory(system(memory: [8 << 30, nil, 1 << 30, 2 << 30])) == 1 << 30)
    // And an arena.
    let room = 1 << 30 - 100 << 20 - 128 << 20 - Self.stacks
    #expect(try memory(system(memory: [8 << 30], addressSpace: 1 << 30)) == withoutPaused(room))
    let narrow = try memory(system(memory: [8 << 30], addressSpace: 1 << 30, data: 200 << 20))
    #expect(narrow == withoutPaused(150 << 20 - Self.stacks))
    configuration.workers = 4
    let shared = try Resources(configuration, system(memory: [8 << 30, 1 << 30]))
    #expect(shared.memory == 256 << 20 && shared.bytesInFlight == 128 << 20 && shared.keptBytes == 32 << 20)
    #expect(shared.planBytes == 64 << 20 && shared.connections == 8192 && shared.connectionsWarning == nil)
    configuration.bytesInFlight = 77 << 20
    #expect(try Resources(configuration, system(memory: [1 << 30])).bytesInFlight == 77 << 20)
  }

  @Test func connectionsFitToo() throws {
    let few = try Resources(Configuration(), system(memory: [8 << 30], descriptors: 1024))
    #expect(few.connections == 960 && few.connectionsWarning?.contains("may open 1024 files") == true)
    let narrow = try Resources(
      Configuration(), system(memory: [8 << 30], addressSpace: 512 << 20, descriptors: 1 << 20))
    #expect(narrow.connections < 2000 && narrow.connections * (40 << 10) <= narrow.memory / 4)
    #expect(narrow.connectionsWarning?.contains("ulimit -v") == true)
  }

  @Test func whatCannotBeIsRefused() throws {
    #expect {
      try Resources(Configuration(), system(memory: [8 << 30], addressSpace: 250 << 20))
    } throws: {
      let needed = 100 << 20 + 160 << 20 + Self.stacks
      return "\($0)".contains("somewhere allows 262144000 bytes of a limit") && "\($0)".contains("needs \(needed)")
    }
    var configuration = Configuration()
    configuration.bytesInFlight = 2 << 30
    #expect(throws: StartError.self) { try Resources(configuration, system(memory: [8 << 30], addressSpace: 1 << 30)) }
    #expect(throws: Never.self) { try Resources(configuration, system(memory: [8 << 30])) }
  }

  // MARK: The program

  @Test func limitsAreShown() throws {
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(filePath: "/bin/sh")
    process.arguments = [
      "-c", #"ulimit -v 600000; exec "$0" serve --show-limits --threads 3"#, ServerProcess.program.path,
    ]
    process.standardOutput = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    for line in [
      /address space +614400000  getrlimit\(RLIMIT_AS\)/, /memory of the machine +\d+  sysconf/,
      /threads for sockets +3  --threads/,
    ] {
      #expect(text.contains(line), "\(text)")
    }
    for found in ControlGroups().memoryLimits() { #expect(text.contains(found.place), "\(text)") }
  }

  /// Under `ulimit -v` work is refused that does not fit, and nothing brings the process down.
  @Test func littleAddressSpace() throws {
    let server = try ServerProcess("--port", "0", addressSpace: 400_000)
    let port = try #require(server.port(), "\(server.output)")
    let node = #"{"op": "broadcast_to", "inputs": ["x"], "outputs": ["y"], "attributes": {"shape": [SIZE]}}"#
    // Sorting needs the numbers and as much again; the answer is one number.
    let sort =
      #"{"op": "sort", "inputs": ["y"], "outputs": ["z"]}, {"op": "sum", "inputs": ["z"], "outputs": ["NAME"]}"#
    let body =
      #"{"graph": {"nodes": [\#(node), \#(sort)]}, "inputs": {"x": [1]}, "outputs": ["NAME"], "gradients": false}"#
    let statuses = Locked<[Int: Int]>([:])
    for size in [1000, 1_000_000, 4_000_000, 10_000_000, 100_000_000] {
      let sized = body.replacingOccurrences(of: "SIZE", with: "\(size)")
      // Graphs of their own: none of these requests waits for the plan of another.
      onThreads(6) { thread in
        let text = sized.replacingOccurrences(of: "NAME", with: "s\(thread)")
        for _ in 0..<2 {
          guard let client = try? RawConnection(port: port, timeout: 60),
            (try? client.send(rawPost("/v1/evaluate", text))) != nil,
            let response = try? client.readResponse()
          else { continue }
          statuses.withLock { $0[response.status, default: 0] += 1 }
        }
      }
      #expect(server.exitStatus(within: 0) == nil, "ended at \(size): \(server.output)")
    }
    let counts = statuses.withLock { $0 }
    #expect(
      counts[200] ?? 0 >= 12 && counts[413] ?? 0 >= 12 && Set(counts.keys).isSubset(of: [200, 413, 503]), "\(counts)")
    #expect(ServerProcess.get("/livez", port: port) == 200)
    server.signal(SIGTERM)
    #expect(server.exitStatus() == 0)
  }

  @Test func tooLittleAddressSpace() throws {
    let server = try ServerProcess("--port", "0", addressSpace: 200_000)
    #expect(server.exitStatus() == 1)
    let expected = "getrlimit(RLIMIT_AS) allows 204800000 bytes of address space; the program with 2 + 2 threads needs"
    #expect(server.output.contains(expected), "\(server.output)")
  }
}
