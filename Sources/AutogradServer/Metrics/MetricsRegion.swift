import AutogradHTTP
import CCounters
import Glibc

/// Counters in memory that all processes of a server share. Each running process has an area. The process that answers
/// `/metrics` adds up all areas.
///
/// Counters are never moved or reset, so no reader sees a count twice or misses it. A process that takes over the area
/// of one that ended continues its counters.
///
/// The memory is never freed. A server has one region for as long as it runs, and counting is too frequent for
/// reference counts.
///
/// `@unchecked Sendable`: the memory is touched by the atomic operations of CCounters only.
final class MetricsRegion: @unchecked Sendable {
  /// Shards of an area. The last one is shared by all threads that have none of their own.
  static var shards: Int { 8 }
  static var page: Int { 4096 }
  static func shardBytes(_ paths: Int) -> Int {
    (MetricsLayout.cells(pathCount: paths) * 8 + page - 1) / page * page
  }
  private static func areaBytes(_ paths: Int) -> Int { page + shards * shardBytes(paths) }

  let areaCount: Int
  /// How many paths it has room for; all others are counted together.
  private let paths: Int
  /// For processes that shall share it; -1 where it is this process's own.
  let descriptor: Int32
  private let base: UnsafeMutableRawPointer

  private static func byteCount(areas: Int, _ paths: Int) -> Int { page + areas * areaBytes(paths) }

  private init(_ base: UnsafeMutableRawPointer, areas: Int, paths: Int, descriptor: Int32) {
    self.base = base
    self.paths = paths
    areaCount = areas
    self.descriptor = descriptor
  }

  /// Memory that can be handed to other processes.
  static func shared(areas: Int, paths: Int) throws(StartError) -> MetricsRegion {
    let descriptor = counters_create(byteCount(areas: areas, paths))
    guard descriptor >= 0 else {
      throw StartError("cannot make memory for metrics: \(String(cString: strerror(errno)))")
    }
    return MetricsRegion(
      try map(descriptor, areas: areas, paths), areas: areas, paths: paths, descriptor: WorkerProcess.lifted(descriptor)
    )
  }

  /// Memory of this process alone.
  static func own(paths: Int) throws(StartError) -> MetricsRegion {
    MetricsRegion(try map(-1, areas: 1, paths), areas: 1, paths: paths, descriptor: -1)
  }

  /// Memory that another process made and passed on; the descriptor is closed. Nil if other things are counted there
  /// than this program counts, or in other places.
  static func inherited(_ descriptor: Int32, paths: [String]) -> MetricsRegion? {
    defer { close(descriptor) }
    let (signature, areaBytes) = (MetricsLayout.signature(routes: paths), areaBytes(paths.count))
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_size > page, (Int(status.st_size) - page) % areaBytes == 0 else {
      return nil
    }
    let areas = (Int(status.st_size) - page) / areaBytes
    guard let memory = try? map(descriptor, areas: areas, paths.count),
      counters_settle(memory.assumingMemoryBound(to: UInt64.self), signature) == signature
    else { return nil }
    return MetricsRegion(memory, areas: areas, paths: paths.count, descriptor: -1)
  }

  private static func map(_ descriptor: Int32, areas: Int, _ paths: Int) throws(StartError) -> UnsafeMutableRawPointer {
    let flags = descriptor >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS
    let memory = mmap(nil, byteCount(areas: areas, paths), PROT_READ | PROT_WRITE, flags, descriptor, 0)
    guard let memory, memory != MAP_FAILED else {
      throw StartError("cannot map memory for metrics: \(String(cString: strerror(errno)))")
    }
    return memory
  }

  func area(_ index: Int) -> MetricsArea {
    MetricsArea(
      base + MetricsRegion.page + index * MetricsRegion.areaBytes(paths), shardBytes: MetricsRegion.shardBytes(paths))
  }

  var areas: [MetricsArea] { (0..<areaCount).map(area) }
}

/// The counters of one process. See ``MetricsRegion``.
///
/// `@unchecked Sendable`: as there.
struct MetricsArea: @unchecked Sendable {
  private let header: UnsafeMutablePointer<UInt64>
  private let cells: UnsafeMutablePointer<UInt64>
  /// From one shard to the next.
  private let shardCells: Int

  /// Cells of the header.
  private enum Field: Int { case owner, worker, started, shards, processorBase, processorShown }

  fileprivate init(_ base: UnsafeMutableRawPointer, shardBytes: Int) {
    shardCells = shardBytes / 8
    header = base.assumingMemoryBound(to: UInt64.self)
    cells = (base + MetricsRegion.page).assumingMemoryBound(to: UInt64.self)
  }

  /// A private area, for code that counts without a server.
  static func own() -> MetricsArea {
    guard let region = try? MetricsRegion.own(paths: 0) else { fatalError("no memory for counters") }
    return region.area(0)
  }

  private subscript(field: Field) -> UnsafeMutablePointer<UInt64> { header + field.rawValue }

  // MARK: Counting

  /// The calling thread's part of the area.
  struct Shard {
    fileprivate let cells: UnsafeMutablePointer<UInt64>
    fileprivate let isOwned: Bool

    @inline(__always)
    func add(_ amount: Int = 1, to cell: Int) { counters_add(cells + cell, UInt64(bitPattern: Int64(amount)), isOwned) }
  }

  @inline(__always)
  var shard: Shard {
    let thread = Int(counters_thread())
    let index = min(thread, MetricsRegion.shards - 1)
    let bit: UInt64 = 1 << UInt64(index)
    // Unused shards are not read, and take no memory.
    if counters_load(self[.shards]) & bit == 0 { counters_or(self[.shards], bit) }
    return Shard(cells: start(of: index), isOwned: index < MetricsRegion.shards - 1)
  }

  private func start(of shard: Int) -> UnsafeMutablePointer<UInt64> { cells + shard * shardCells }

  func add(_ amount: Int = 1, to counter: MetricsLayout.Counter) {
    shard.add(amount, to: MetricsLayout.counters + counter.rawValue)
  }

  func add(_ amount: Int, to gauge: MetricsLayout.Gauge) {
    shard.add(amount, to: MetricsLayout.gauges + gauge.rawValue)
  }

  // MARK: Reading

  func value(_ cell: Int) -> Int {
    var sum: UInt64 = 0
    forEachShard { sum &+= counters_load($0 + cell) }
    return Int(Int64(bitPattern: sum))
  }

  func value(of counter: MetricsLayout.Counter) -> Int { value(MetricsLayout.counters + counter.rawValue) }

  /// Shards are not read at the same instant, so the sum may be off while threads change them; it is at least 0.
  func value(of gauge: MetricsLayout.Gauge) -> Int { max(value(MetricsLayout.gauges + gauge.rawValue), 0) }

  private func forEachShard(_ body: (UnsafeMutablePointer<UInt64>) -> Void) {
    let used = counters_load(self[.shards])
    for index in 0..<MetricsRegion.shards where used & (1 << UInt64(index)) != 0 { body(start(of: index)) }
  }

  // MARK: Whose it is

  /// The process that counts here, if there is one.
  var owner: pid_t? {
    let pid = counters_load(self[.owner])
    return pid == 0 ? nil : pid_t(truncatingIfNeeded: pid)
  }

  /// The worker's number, from 1.
  var worker: Int { Int(truncatingIfNeeded: counters_load(self[.worker])) }

  /// When it started, in microseconds of Unix time.
  var started: Int { Int(clamping: counters_load(self[.started])) }

  /// Takes over the area: resets the previous owner's gauges and keeps its counters.
  func claim(worker: Int) {
    forEachShard { shard in
      for gauge in MetricsLayout.Gauge.allCases { counters_store(shard + MetricsLayout.gauges + gauge.rawValue, 0) }
    }
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    counters_store(self[.worker], UInt64(max(worker, 0)))
    counters_store(self[.started], UInt64(max(now.tv_sec, 0)) * 1_000_000 + UInt64(max(now.tv_nsec, 0)) / 1000)
    counters_store(self[.owner], UInt64(max(getpid(), 0)))
  }

  /// Called when its owner has ended, with the processor time that it used.
  func release(processorMicroseconds: UInt64) {
    // In this order, see `processorSeconds`.
    counters_add(self[.processorBase], processorMicroseconds, false)
    counters_store(self[.owner], 0)
  }

  /// Processor time of all processes that have counted here.
  var processorMicroseconds: Int {
    // Read in the opposite order to `release`, so that the time of a process that ends now is not counted twice. If it
    // is missed for a moment, the value shown before is kept.
    let base = counters_load(self[.processorBase])
    let live = owner.flatMap { ProcessFacts.processorMicroseconds(of: $0) } ?? 0
    return Int(clamping: counters_raise(self[.processorShown], base &+ live))
  }
}

extension MetricsArea: TransportMetrics {
  func count(_ change: Int, _ figure: TransportFigure) {
    switch figure {
    case .requestsInFlight: add(change, to: MetricsLayout.Gauge.requestsInFlight)
    case .connectionsOpen: add(change, to: MetricsLayout.Gauge.connectionsOpen)
    case .jobsQueued: add(change, to: MetricsLayout.Gauge.jobsQueued)
    case .jobsRunning: add(change, to: MetricsLayout.Gauge.jobsRunning)
    case .connectionsAccepted: add(change, to: MetricsLayout.Counter.connectionsAccepted)
    case .threadsStuck: add(change, to: MetricsLayout.Counter.threadsStuck)
    }
  }
}
