import Foundation
import Testing

@testable import AutogradGraphs

@Suite struct AvailableMemoryTests {
  /// A folder with files as a system has them, for as long as this is held.
  private final class System {
    let root = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    var memory: AvailableMemory { AvailableMemory(root: root.path) }

    init(_ files: [String: String]) throws {
      for (path, text) in files {
        let file = root.appending(path: path)
        try FileManager.default.createDirectory(
          at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
      }
    }

    deinit { try? FileManager.default.removeItem(at: root) }
  }

  private let machine = "MemTotal:       24000 kB\nMemAvailable:       9000 kB\nSwapFree:   1000 kB\n"

  @Test func aMachineAlone() throws {
    let system = try System(["/proc/meminfo": machine])
    #expect(system.memory.count() == 10_000 << 10)
    #expect(AvailableMemory(root: system.root.path + "/none").count() == .max)
  }

  @Test func groupsOfVersionTwo() throws {
    let groups = "/sys/fs/cgroup"
    let system = try System([
      "/proc/meminfo": machine, "/proc/self/cgroup": "1:name=systemd:/x\n0::/outer/inner\n",
      "\(groups)/outer/memory.max": "5000000\n", "\(groups)/outer/memory.current": "3000000\n",
      "\(groups)/outer/memory.stat": "anon 1\nfile 9\ninactive_file 200000\nactive_file 100000\n",
      "\(groups)/outer/inner/memory.max": "max\n", "\(groups)/outer/inner/memory.current": "3000000\n",
      "\(groups)/outer/inner/memory.stat": "anon 1\n",
    ])
    #expect(system.memory.count() == 2_300_000)
  }

  @Test func groupsOfVersionOne() throws {
    let group = "/sys/fs/cgroup/memory/job"
    let system = try System([
      "/proc/meminfo": machine, "/proc/self/cgroup": "4:memory:/job\n1:cpu:/other\n0::/\n",
      "\(group)/memory.limit_in_bytes": "4000000\n", "\(group)/memory.usage_in_bytes": "4500000\n",
      "\(group)/memory.stat": "inactive_file 1\ntotal_inactive_file 600000\ntotal_active_file 0\n",
    ])
    #expect(system.memory.count() == 100_000)
  }

  @Test func aGroupThatIsFullLeavesNothing() throws {
    let system = try System([
      "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.max": "100\n", "/sys/fs/cgroup/memory.current": "200\n",
      "/sys/fs/cgroup/memory.stat": "anon 1\n",
    ])
    #expect(system.memory.count() == 0)
  }

  @Test func thisMachineHasSome() { #expect(AvailableMemory.bytes() > 1 << 20) }
}
