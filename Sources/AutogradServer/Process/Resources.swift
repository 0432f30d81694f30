import AutogradCore
import AutogradHTTP

/// Divides the memory and descriptors that a process may use, from the system's limits and the configuration.
struct Resources: Sendable {
  /// Bytes that this process may use, without the program's own memory.
  let memory: Int
  let bytesInFlight: Int
  /// For the plan cache.
  let planBytes: Int
  /// For memory of runs that is kept for reuse, and for freed memory that the allocator keeps.
  let keptBytes: Int
  let connections: Int
  /// Jobs that may be paused at a time. Each keeps a stack, whose full size counts against the process's limits.
  let pausedJobs: Int
  /// Why there are fewer connections than configured; nil if there are not.
  let connectionsWarning: String?

  /// Stacks of paused jobs may take one part in this many of what the process's own limits leave.
  private static let shareOfPaused = 16
  /// Stack sizes of socket threads, and of nine other threads and the health thread together.
  private static let (largeStack, smallStacks) = (8 << 20, 9 * (256 << 10) + (1 << 20))
  /// Address space that glibc reserves as the heap of threads other than the first, see `MallocTuning`; it is aligned
  /// to its size.
  private static let arena = 128 << 20
  /// With less than this, hardly any request could be served.
  private static let leastRoom = 32 << 20
  /// Bytes of a connection: the library's memory and ours.
  private static let connectionBytes = 40 << 10

  init(_ configuration: Configuration, _ system: SystemLimits) throws(StartError) {
    let machine = (system.memory.compactMap(\.value).min() ?? 1 << 31) / configuration.workers
    let whole = try Resources.room(configuration, system)
    pausedJobs = min(ComputePool.mostPaused, max(1, (whole ?? .max) / Resources.shareOfPaused / ComputePool.stackSize))
    let room = whole.map { [pausedJobs] in $0 - pausedJobs * ComputePool.stackSize }
    memory = min(machine, room ?? .max)
    if let asked = configuration.bytesInFlight, let room, asked > room {
      throw StartError(
        "--max-bytes-in-flight \(asked) is more than the \(room) bytes that the limits of this process (ulimit "
          + "-v, ulimit -d) leave; autograd-server serve --show-limits shows them")
    }
    bytesInFlight = configuration.bytesInFlight ?? memory / 2
    planBytes = min(configuration.cachedPlanBytes, memory / 4)
    keptBytes = memory / 8
    (connections, connectionsWarning) = Resources.connections(configuration, system.descriptors.value, room)
  }

  /// What the limits of the process leave after its program and threads; nil if there are no limits.
  private static func room(_ configuration: Configuration, _ system: SystemLimits) throws(StartError) -> Int? {
    let helpers = Parallelism.helperStackBytes(threads: configuration.computeThreads)
    let stacks =
      configuration.threads * largeStack + (configuration.computeThreads + 1) * ComputePool.stackSize + helpers
      + smallStacks
    var room: Int?
    for (limit, needed) in [
      (system.addressSpace, system.mappedBytes + stacks + arena), (system.data, system.dataBytes + stacks),
    ] {
      guard let value = limit.value else { continue }
      guard value - needed >= leastRoom else {
        throw StartError(
          "\(limit.place) allows \(value) bytes of \(limit.name); the program with \(configuration.threads) + "
            + "\(configuration.computeThreads) threads needs \(needed + leastRoom): raise the limit (ulimit -v or -d, "
            + "in KiB), or give fewer --threads and --compute-threads")
      }
      room = min(room ?? .max, value - needed)
    }
    return room
  }

  /// Some descriptors are needed for other files, and to answer clients beyond the limit. A connection takes memory
  /// only as it uses it, but its address space at once.
  private static func connections(_ configuration: Configuration, _ descriptors: Int?, _ room: Int?) -> (Int, String?) {
    let wanted = configuration.connections
    if let room, room / 4 / connectionBytes < wanted {
      let possible = min(max(room / 4 / connectionBytes, 1), forDescriptors(descriptors))
      return (
        possible,
        "at most \(possible) connections: the limits of the process (ulimit -v, ulimit -d) are too low for \(wanted)"
      )
    }
    let possible = forDescriptors(descriptors)
    guard possible < wanted, let descriptors else { return (wanted, nil) }
    return (
      possible,
      "at most \(possible) connections: the process may open \(descriptors) files (ulimit -n), too few for \(wanted)"
    )
  }

  private static func forDescriptors(_ descriptors: Int?) -> Int {
    descriptors.map { max($0 - max(64, $0 / 16), 1) } ?? .max
  }
}

extension Resources {
  /// Text for `--show-limits`: the system's limits, then what the server will use.
  func report(_ configuration: Configuration, _ system: SystemLimits) -> String {
    let found = (system.memory + [system.addressSpace, system.data, system.descriptors]).map { limit in
      [limit.name, limit.value.map(String.init) ?? "no limit", limit.place]
    }
    let used = [
      ["memory", "\(memory)", "the smallest of the above, divided among the workers, minus the program's own memory"],
      ["requests in flight", "\(bytesInFlight)", "--max-bytes-in-flight"],
      ["plan cache", "\(planBytes)", "--plan-cache-bytes, at most a quarter of the memory"],
      ["working memory kept for reuse", "\(keptBytes)", "an eighth of the memory"],
      ["connections", "\(connections)", connectionsWarning ?? "--max-connections"],
      ["threads for sockets", "\(configuration.threads)", "--threads"],
      ["compute threads", "\(configuration.computeThreads)", "--compute-threads"],
    ]
    let user = configuration.workers == 1 ? "The server" : "Each of \(configuration.workers) workers"
    return "System limits, in bytes:\n" + Resources.table(found) + "\n\(user) will use, in bytes:\n"
      + Resources.table(used)
  }

  private static func table(_ rows: [[String]]) -> String {
    func width(_ column: Int) -> Int { rows.map { $0[column].count }.max() ?? 0 }
    let (first, second) = (width(0), width(1))
    return rows.map { row in
      "  " + row[0] + String(repeating: " ", count: first - row[0].count + 2 + second - row[1].count) + row[1] + "  "
        + row[2] + "\n"
    }.joined()
  }
}
