import AutogradFormats
import AutogradGraphs
import AutogradHTTP
import Glibc
import Logging

/// The registered graphs of this process.
extension GraphStore {
  /// Those in the configured folder, or in memory that all processes of the server share.
  /// - Parameter descriptor: of that memory, as the supervisor has made it; nil makes it.
  static func open(
    _ configuration: Configuration, _ limits: Limits, sharing descriptor: Int32?, _ logger: Logger
  ) throws(StartError) -> (store: GraphStore, changes: StoreChanges) {
    do throws(StoreError) {
      let stored = configuration.storedGraphs
      let memory = if let descriptor { descriptor } else { try SharedMemoryStorage.create(stored) }
      let changes = try SharedMemoryStorage.changes(in: memory)
      let storage: any GraphStorage
      if let folder = configuration.graphFolder {
        close(memory)
        storage = try DirectoryStorage(folder, limits: stored, changes: changes)
      } else {
        storage = try SharedMemoryStorage(inheriting: memory, limits: stored, changes: changes)
      }
      return (GraphStore(storage, limits.storedGraphs) { logger.error("\($0)") }, changes)
    } catch {
      throw GraphStore.startError(error, configuration)
    }
  }

  /// The memory that a supervisor makes for its workers.
  static func makeMemory(_ configuration: Configuration) throws(StartError) -> Int32 {
    do throws(StoreError) {
      // That the folder cannot be used should be known before workers start.
      if let folder = configuration.graphFolder {
        _ = try DirectoryStorage(folder, limits: configuration.storedGraphs, changes: StoreChanges())
      }
      return try SharedMemoryStorage.create(configuration.storedGraphs)
    } catch {
      throw startError(error, configuration)
    }
  }

  private static func startError(_ error: StoreError, _ configuration: Configuration) -> StartError {
    let reason =
      switch error {
      case .unavailable(let reason), .readOnly(let reason): reason
      case .full: "there is no room; --max-graphs may be too large"
      default: "\(error)"
      }
    let place = configuration.graphFolder == nil ? "shared memory for graphs" : "the folder of --graphs"
    return StartError("cannot use \(place): \(reason)")
  }
}

/// Reads all graphs when the server starts, so that damaged ones are known before it says that it is ready, and looks
/// after what is kept of them.
final class GraphCare: Sendable {
  private let store: GraphStore
  private let changes: StoreChanges
  private let area: MetricsArea
  private let isVerified = Locked(false)
  /// The gauges as they were set last.
  private let shown = Locked((graphs: 0, damaged: 0))

  /// Seconds between two looks at what this machine has changed, and at what others may have.
  private static let (interval, patience): (UInt32, Int) = (1, 60)

  init(_ store: GraphStore, _ changes: StoreChanges, _ area: MetricsArea) {
    self.store = store
    self.changes = changes
    self.area = area
    // In memory they are checked when they are read, and were put since this server started.
    if !store.storage.isPersistent { isVerified.withLock { $0 = true } }
  }

  /// Whether all graphs have been read.
  var isReady: Bool { isVerified.withLock { $0 } }

  /// Begins to read all graphs.
  /// - Parameter patience: nanoseconds to wait for the end of it. A worker that replaces another waits before it
  ///   serves, so that no load balancer sees a server that is not ready.
  func start(_ logger: Logger, patience: Int64) {
    begin(logger)
    let end = monotonicNanoseconds() + patience
    while !isReady, monotonicNanoseconds() < end { usleep(GraphCare.pause) }
  }

  private static let pause: UInt32 = 2000

  private func begin(_ logger: Logger) {
    let thread = NativeThread.start(name: "graphs", stackSize: 1 << 20) { [self] in
      if !isReady { verify(logger) }
      isVerified.withLock { $0 = true }
      watch()
    }
    if let thread { pthread_detach(thread) } else { isVerified.withLock { $0 = true } }
  }

  private func verify(_ logger: Logger) {
    do throws(StoreFailure) {
      try store.verify()
    } catch {
      logger.error("the registered graphs could not be read: \(error)")
    }
  }

  private func watch() -> Never {
    var seen = changes.generation
    var rest = GraphCare.patience
    show()
    while true {
      sleep(GraphCare.interval)
      rest -= 1
      let generation = changes.generation
      let isDamaged = store.damagedCount != shown.withLock { $0.damaged }
      guard isDamaged || generation != seen || (rest <= 0 && store.storage.isPersistent) else { continue }
      (seen, rest) = (generation, GraphCare.patience)
      store.letGoOfOld()
      show()
    }
  }

  /// Sets the gauges.
  private func show() {
    guard let count = try? store.count() else { return }
    let damaged = store.damagedCount
    shown.withLock { shown in
      area.add(count - shown.graphs, to: MetricsLayout.Gauge.graphs)
      area.add(damaged - shown.damaged, to: MetricsLayout.Gauge.graphsDamaged)
      shown = (count, damaged)
    }
  }
}

extension Limits {
  /// What reading a registered graph may take.
  var storedGraphs: StoredGraph.Limits {
    StoredGraph.Limits(graphs: graphs, jsonDepth: jsonDepth, documentBytes: documentBytes)
  }
}
