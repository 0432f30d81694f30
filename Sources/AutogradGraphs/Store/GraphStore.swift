import AutogradCore
import AutogradFormats

/// The registered graphs of a server, as one of its processes sees them: what is stored, and the newest versions read.
package final class GraphStore: Sendable {
  package let storage: any GraphStorage
  private let limits: StoredGraph.Limits
  private let graphs = Guarded(KnownGraphs())
  /// The damaged versions that are known, and have been reported.
  private let damaged = Guarded<Set<GraphReference>>([])
  /// Told once of each damaged version.
  private let report: @Sendable (String) -> Void

  package init(
    _ storage: any GraphStorage, _ limits: StoredGraph.Limits, report: @escaping @Sendable (String) -> Void = { _ in }
  ) {
    self.storage = storage
    self.limits = limits
    self.report = report
  }

  // MARK: Reading

  /// The newest version of the graph that a text names, if that has been read; nil where it takes longer to say.
  package func newest(_ name: String) -> StoredGraph? {
    guard let graph = graphs.withLock({ $0[name] }), storage.isNewest(graph.version),
      // Unicode has other characters that are equal to letters.
      name.utf8.count == graph.version.name.text.utf8.count
    else { return nil }
    return graph
  }

  /// A version of a graph, if it is the one that has been read; nil if it has to be read first.
  package func known(_ version: StoredVersion) -> StoredGraph? {
    for name in [version.name.text, "\(version.name)@\(version.version)"] {
      if let graph = graphs.withLock({ $0[name] }), graph.version.isSame(as: version) { return graph }
    }
    return nil
  }

  /// A graph as it is now, or one of its versions.
  /// - Parameter reserve: reserves bytes of memory before they are taken. False ends the reading.
  package func graph(
    _ reference: GraphReference, reserve: (Int) -> Bool = { _ in true }
  ) throws(StoreFailure) -> StoredGraph {
    let version = try version(reference)
    do throws(StoreFailure) {
      return try graph(version, reserve)
    } catch {
      // It may have been deleted since the storage was asked, and put again.
      guard case .storage(.missing) = error, reference.version == nil else { throw error }
      return try graph(try self.version(reference), reserve)
    }
  }

  private func graph(_ version: StoredVersion, _ reserve: (Int) -> Bool) throws(StoreFailure) -> StoredGraph {
    if let known = known(version) { return known }
    let bytes = try bytes(of: version)
    guard reserve(StoredReading.memory(ofReading: bytes.bytes, as: version.type, nodes: limits.graphs.nodes)) else {
      throw .storage(.full)
    }
    let graph: StoredGraph
    do throws(FormatError) {
      graph = try StoredGraph(version, bytes, limits, assemblesIn: nil)
    } catch {
      throw .graph(error, "\(version.name)@\(version.version)")
    }
    let name = storage.isNewest(version) ? version.name.text : graph.reference
    let gone = graphs.withLock { $0.insert(graph, as: name) }
    withExtendedLifetime(gone) {}
    return graph
  }

  /// A version of a graph, without its bytes.
  package func version(_ reference: GraphReference) throws(StoreFailure) -> StoredVersion {
    do throws(StoreError) {
      guard let newest = try storage.newest(of: reference.name), !newest.isDeleted else { throw .missing }
      guard let number = reference.version, number != newest.version else { return newest }
      guard let version = try storage.version(number, of: reference.name) else { throw .missing }
      return version
    } catch {
      throw .storage(error)
    }
  }

  /// The bytes of a graph as it is now, or of one of its versions, unless somebody has them already.
  /// - Parameter isKnown: whether the version is of no more interest.
  /// - Returns: the version; its bytes where it is of interest.
  package func source(
    _ reference: GraphReference, unless isKnown: (StoredVersion) -> Bool
  ) throws(StoreFailure) -> (version: StoredVersion, bytes: StoredBytes?) {
    let version = try version(reference)
    if isKnown(version) { return (version, nil) }
    do throws(StoreFailure) {
      return (version, try bytes(of: version))
    } catch {
      // It may have changed since the storage was asked.
      guard case .storage(.missing) = error, reference.version == nil else { throw error }
      let version = try self.version(reference)
      return (version, try bytes(of: version))
    }
  }

  /// The versions of a graph, ascending.
  package func versions(of name: GraphName) throws(StoreFailure) -> [StoredVersion] {
    do throws(StoreError) {
      let versions = try storage.versions(of: name)
      if versions.isEmpty { throw .missing }
      return versions
    } catch {
      throw .storage(error)
    }
  }

  /// The bytes that were put.
  package func bytes(of version: StoredVersion) throws(StoreFailure) -> StoredBytes {
    do throws(StoreError) {
      let bytes = try storage.bytes(of: version)
      _ = damaged.withLock { $0.remove(version.reference) }
      return bytes
    } catch {
      if case .damaged(_, _, let reason) = error { noteDamage(version, reason) }
      throw .storage(error)
    }
  }

  private func noteDamage(_ version: StoredVersion, _ reason: String) {
    guard damaged.withLock({ $0.insert(version.reference).inserted }) else { return }
    report("the graph \(version.name)@\(version.version) is damaged and cannot be used: \(reason)")
  }

  /// Graphs with a name after another one, in the order of their names' bytes.
  /// - Returns: at most `limit`, and whether there are more.
  package func list(
    prefix: String, after: String, limit: Int
  ) throws(StoreFailure) -> (graphs: [StoredVersion], hasMore: Bool) {
    let all: [StoredVersion]
    do throws(StoreError) {
      all = try storage.newest()
    } catch {
      throw .storage(error)
    }
    let wanted = all.filter { version in
      !version.isDeleted && !(version.isReadOnly && version.damage != nil)
        && version.name.text.utf8.starts(with: prefix.utf8)
        && after.utf8.lexicographicallyPrecedes(version.name.text.utf8)
    }.sorted { $0.name < $1.name }
    return (wanted.prefix(limit).map(described), wanted.count > limit)
  }

  /// With the description, which of a file that is kept by hand only its source says.
  private func described(_ version: StoredVersion) -> StoredVersion {
    guard version.isReadOnly, version.type != .formula else { return version }
    return (try? graph(GraphReference(name: version.name)))?.version ?? version
  }

  // MARK: Writing

  /// Reads what is to be stored, and checks all of it.
  /// - Parameters:
  ///   - prepare: see ``StoredGraph/init(_:_:_:assemblesIn:)``.
  ///   - reserve: reserves bytes of memory before they are taken. False ends the reading.
  /// - Returns: a graph that borrows the bytes and knows no version.
  package func check(
    _ bytes: StoredBytes, as type: GraphMediaType, name: GraphName,
    assemblesIn prepare: @escaping (GraphBuilder) -> Void, reserve: (Int) -> Bool
  ) throws(StoreFailure) -> StoredGraph {
    guard reserve(StoredReading.memory(ofReading: bytes.bytes, as: type, nodes: limits.graphs.nodes)) else {
      throw .storage(.full)
    }
    do throws(FormatError) {
      let draft = StoredVersion(
        name: name, version: 0, type: type, created: 0, description: nil, byteCount: bytes.bytes.count,
        digest: SHA256Digest(of: UnsafeRawBufferPointer(start: nil, count: 0)))
      return try StoredGraph(draft, bytes, limits, assemblesIn: prepare)
    } catch {
      throw .graph(error, nil)
    }
  }

  /// Stores what has been checked as the next version.
  /// - Parameter condition: see ``GraphStorage``.
  package func put(_ graph: StoredGraph, if condition: (String?) -> Bool) throws(StoreFailure) -> StoredVersion {
    do throws(StoreError) {
      return try storage.put(graph.content, as: graph.version.name, if: condition).version
    } catch {
      throw .storage(error)
    }
  }

  package func delete(_ name: GraphName, if condition: (String?) -> Bool) throws(StoreFailure) {
    do throws(StoreError) {
      try storage.delete(name, if: condition)
    } catch {
      throw .storage(error)
    }
    let gone = graphs.withLock { $0.remove(name.text) }
    withExtendedLifetime(gone) {}
  }

  // MARK: Care

  /// Reads every graph once, so that damaged ones are known.
  package func verify() throws(StoreFailure) {
    let all: [StoredVersion]
    do throws(StoreError) {
      all = try storage.newest()
    } catch {
      throw .storage(error)
    }
    for version in all where !version.isDeleted {
      do throws(StoreFailure) {
        let bytes = try bytes(of: version)
        // What was put has been read before. A file that is kept by hand has not.
        if version.isReadOnly { try read(version, bytes) }
      } catch {
        // What has gone meanwhile is no fault, and what is damaged has been reported.
        continue
      }
    }
  }

  private func read(_ version: StoredVersion, _ bytes: StoredBytes) throws(StoreFailure) {
    do throws(FormatError) {
      _ = try StoredGraph(version, bytes, limits, assemblesIn: nil)
    } catch {
      report("the graph \(version.name) cannot be read: \(error.detail)")
      throw .graph(error, nil)
    }
  }

  /// Lets go of graphs that are not the newest any more. To be called now and then: nobody may ever ask for them again.
  package func letGoOfOld() {
    for (name, graph) in graphs.withLock({ $0.all }) {
      let isNewest = name == graph.version.name.text
      let current = try? version(
        GraphReference(name: graph.version.name, version: isNewest ? nil : graph.version.version))
      if current?.isSame(as: graph.version) ?? false { continue }
      let gone = graphs.withLock { $0.remove(name) }
      withExtendedLifetime(gone) {}
    }
    let suspects = damaged.withLock { Array($0) }
    for suspect in suspects where (try? version(suspect)) == nil {
      _ = damaged.withLock { $0.remove(suspect) }
    }
  }

  /// How many graphs there are. What is seen to be damaged is reported.
  package func count() throws(StoreFailure) -> Int {
    do throws(StoreError) {
      let there = try storage.newest().filter { !$0.isDeleted }
      for version in there { if let damage = version.damage { noteDamage(version, damage) } }
      return there.count
    } catch {
      throw .storage(error)
    }
  }

  /// Graphs whose newest version is known to be damaged.
  package var damagedCount: Int {
    damaged.withLock { Array($0) }.count { damaged in
      (try? version(GraphReference(name: damaged.name)))?.version == damaged.version
    }
  }
}

/// What a path calls a graph: `fit`, or `fit@3` for one of its versions.
package struct GraphReference: Hashable, Sendable {
  package var name: GraphName
  package var version: Int?

  package init(name: GraphName, version: Int? = nil) {
    self.name = name
    self.version = version
  }

  /// Nil for a text that is neither a name nor a name, `@` and a number from 1.
  package init?(_ text: String) {
    let sign = text.utf8.firstIndex(of: UInt8(ascii: "@"))
    guard let name = GraphName(text[..<(sign ?? text.endIndex)]) else { return nil }
    self.name = name
    guard let sign else { return }
    let digits = text[text.utf8.index(after: sign)...]
    guard let number = Int(digits), number >= 1, String(number) == digits else { return nil }
    version = number
  }
}

/// Why a store does not do what it was asked for.
package enum StoreFailure: Error {
  case storage(StoreError)
  /// Something is wrong with a graph: one that is put, with pointers into its source, or one that is stored, which is
  /// called.
  case graph(FormatError, String?)
}

extension StoredVersion {
  package var reference: GraphReference { GraphReference(name: name, version: version) }

  /// Whether the bytes are the same, of the same version.
  package func isSame(as other: StoredVersion) -> Bool {
    version == other.version && digest == other.digest && type == other.type && damage == other.damage
      && isDeleted == other.isDeleted
  }
}
