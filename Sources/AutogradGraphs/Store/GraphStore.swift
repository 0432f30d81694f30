import AutogradCore
import AutogradFormats

/// The registered graphs of a server, as one of its processes sees them: what is stored, and the newest versions read.
package final class GraphStore: Sendable {
  package let storage: any GraphStorage
  private let limits: StoredGraph.Limits
  /// The newest version of each graph that somebody has asked for. Older ones are read each time.
  private let graphs = Guarded<[String: StoredGraph]>([:])
  /// The damaged newest versions that are known.
  private let damaged = Guarded<Set<GraphName>>([])
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
    guard let graph = graphs.withLock({ $0[version.name.text] }), graph.version.isSame(as: version) else { return nil }
    return graph
  }

  /// A graph as it is now, or one of its versions.
  package func graph(_ reference: GraphReference) throws(StoreFailure) -> StoredGraph {
    let version = try version(reference)
    do throws(StoreFailure) {
      return try graph(reference, version)
    } catch {
      // It may have been deleted since the storage was asked, and put again.
      guard case .storage(.missing) = error, reference.version == nil else { throw error }
      return try graph(reference, try self.version(reference))
    }
  }

  private func graph(_ reference: GraphReference, _ version: StoredVersion) throws(StoreFailure) -> StoredGraph {
    if let known = known(version) { return known }
    let bytes = try bytes(of: version)
    let graph: StoredGraph
    do throws(FormatError) {
      graph = try StoredGraph(version, bytes, limits, assemblesIn: nil)
    } catch {
      throw .graph(error, "\(version.name)@\(version.version)")
    }
    if reference.version == nil { graphs.withLock { $0[version.name.text] = graph } }
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
      _ = damaged.withLock { $0.remove(version.name) }
      return bytes
    } catch {
      if case .damaged(_, let number, let reason) = error, damaged.withLock({ $0.insert(version.name).inserted }) {
        report("the graph \(version.name)@\(number) is damaged and cannot be used: \(reason)")
      }
      throw .storage(error)
    }
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

  /// Checks and stores the next version.
  /// - Parameters:
  ///   - prepare: see ``StoredGraph/init(_:_:_:assemblesIn:)``.
  ///   - condition: see ``GraphStorage``.
  /// - Returns: the version, and the graph as it was read, which borrows the bytes and knows no version.
  package func put(
    _ bytes: StoredBytes, as type: GraphMediaType, name: GraphName,
    assemblesIn prepare: @escaping (GraphBuilder) -> Void,
    if condition: (String?) -> Bool
  ) throws(StoreFailure) -> (version: StoredVersion, graph: StoredGraph) {
    let graph: StoredGraph
    do throws(FormatError) {
      let draft = StoredVersion(
        name: name, version: 0, type: type, created: 0, description: nil, byteCount: bytes.bytes.count,
        digest: SHA256Digest(of: UnsafeRawBufferPointer(start: nil, count: 0)))
      graph = try StoredGraph(draft, bytes, limits, assemblesIn: prepare)
    } catch {
      throw .graph(error, nil)
    }
    do throws(StoreError) {
      let content = StoredContent(type: type, description: graph.description, bytes: bytes.bytes)
      return (try storage.put(content, as: name, if: condition).version, graph)
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
    _ = graphs.withLock { $0.removeValue(forKey: name.text) }
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
        _ = try bytes(of: version)
      } catch {
        // What has gone meanwhile is no fault, and what is damaged has been reported.
        continue
      }
    }
  }

  /// Lets go of graphs that are not the newest any more. To be called now and then: nobody may ever ask for them again.
  package func letGoOfOld() {
    let held = graphs.withLock { Array($0.values) }
    for graph in held {
      let newest = try? storage.newest(of: graph.version.name)
      guard newest?.isSame(as: graph.version) ?? false else {
        graphs.withLock { $0[graph.version.name.text] = nil }
        continue
      }
    }
    let suspects = damaged.withLock { Array($0) }
    for name in suspects where (try? storage.newest(of: name))?.isDeleted ?? true {
      _ = damaged.withLock { $0.remove(name) }
    }
  }

  /// How many graphs there are.
  package func count() throws(StoreFailure) -> Int {
    do throws(StoreError) {
      return try storage.newest().count { !$0.isDeleted }
    } catch {
      throw .storage(error)
    }
  }

  /// Damaged graphs that are known.
  package var damagedCount: Int { damaged.withLock { $0.count } }
}

/// What a path calls a graph: `fit`, or `fit@3` for one of its versions.
package struct GraphReference: Equatable, Sendable {
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
  /// Whether the bytes are the same, of the same version.
  package func isSame(as other: StoredVersion) -> Bool {
    version == other.version && digest == other.digest && type == other.type && damage == other.damage
      && isDeleted == other.isDeleted
  }
}
