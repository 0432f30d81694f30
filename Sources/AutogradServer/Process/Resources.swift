import AutogradCore
import AutogradHTTP

/// How much of what a process may use goes where, from the limits of the system and what was asked for.
struct Resources: Sendable {
  /// Bytes that this process may use beside what it takes to exist.
  let memory: Int
  let bytesInFlight: Int
  /// For plans that are kept.
  let planBytes: Int
  /// For working memory that requests leave to each other, and for what the allocator keeps of what was freed.
  let keptBytes: Int
  let connections: Int
  /// Jobs that may be paused at a time: each keeps a stack, of which the limits of the process count the whole.
  let pausedJobs: Int
  /// Why these are fewer than asked for; nil where they are not.
  let connectionsWarning: String?

  /// Of what the process's own limits leave, for stacks of paused jobs.
  private static let shareOfPaused = 16
  /// Stacks of the threads that serve sockets and that compute, and of the nine beside them and the health thread.
  private static let (largeStack, smallStacks) = (8 << 20, 9 * (256 << 10) + (1 << 20))
  /// Address space that glibc reserves for threads other than the first to allocate from, see `MallocTuning`: one heap,
  /// aligned to its size.
  private static let arena = 128 << 20
  /// With less than this, hardly any request fits.
  private static let leastRoom = 32 << 20
  /// Of a connection: the library's memory for it and what we keep beside.
  private static let connectionBytes = 40 << 10

  init(_ configuration: Configuration, _ system: SystemLimits) throws(StartError) {
    let machine = (system.memory.compactMap(\.value).min() ?? 1 << 31) / configuration.workers
    let whole = try Resources.room(configuration, system)
    pausedJobs = min(ComputePool.mostPaused, max(1, (whole ?? .max) / Resources.shareOfPaused / ComputePool.stackSize))
    let room = whole.map { [pausedJobs] in $0 - pausedJobs * ComputePool.stackSize }
    memory = min(machine, room ?? .max)
    if let asked = configuration.bytesInFlight, let room, asked > room {
      throw StartError(
        "--max-bytes-in-flight \(asked) does not fit into the \(room) bytes that the limits of this process (ulimit "
          + "-v, ulimit -d) leave; "
          + "autograd-server serve --show-limits shows them")
    }
    bytesInFlight = configuration.bytesInFlight ?? memory / 2
    planBytes = min(configuration.cachedPlanBytes, memory / 4)
    keptBytes = memory / 8
    (connections, connectionsWarning) = Resources.connections(configuration, system.descriptors.value, room)
  }

  /// What the limits of the process itself leave beside its program and its threads; nil where it has none.
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
            + "in KiB), or give "
            + "fewer --threads and --compute-threads")
      }
      room = min(room ?? .max, value - needed)
    }
    return room
  }

  /// Some descriptors are needed for other things and to refuse clients with. Memory of connections is taken only where
  /// they use it, but of address space at once.
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
  /// For people: what was found, then what is used.
  func report(_ configuration: Configuration, _ system: SystemLimits) -> String {
    let found = (system.memory + [system.addressSpace, system.data, system.descriptors]).map { limit in
      [limit.name, limit.value.map(String.init) ?? "no limit", limit.place]
    }
    let used = [
      ["memory", "\(memory)", "the smallest of the above, shared by the workers, less what the program itself takes"],
      ["requests in flight", "\(bytesInFlight)", "--max-bytes-in-flight"],
      ["kept plans", "\(planBytes)", "--plan-cache-bytes, at most a quarter of the memory"],
      ["kept working memory", "\(keptBytes)", "an eighth of the memory"],
      ["connections", "\(connections)", connectionsWarning ?? "--max-connections"],
      ["threads for sockets", "\(configuration.threads)", "--threads"],
      ["threads for work", "\(configuration.computeThreads)", "--compute-threads"],
    ]
    let of = configuration.workers == 1 ? "the process" : "each of \(configuration.workers) workers"
    return "Found, in bytes:\n" + Resources.table(found) + "\nUsed by \(of), in bytes:\n" + Resources.table(used)
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
