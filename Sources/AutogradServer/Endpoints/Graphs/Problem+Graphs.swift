import AutogradFormats
import AutogradGraphs

extension Problem {
  /// Why a store does not do what it was asked for.
  /// - Parameters:
  ///   - reference: what it was asked for; nil for all graphs.
  ///   - store: for the versions that there are.
  convenience init(_ failure: StoreFailure, _ reference: GraphReference?, _ store: GraphStore) {
    switch failure {
    case .graph(let error, let graph):
      if let graph {
        self.init(error, inGraph: graph, at: error.place == nil ? error.pointer : nil)
      } else {
        self.init(error)
      }
    case .storage(let error): self.init(error, reference, store)
    }
  }

  private convenience init(_ error: StoreError, _ reference: GraphReference?, _ store: GraphStore) {
    let name = reference.map { "\($0.name)" } ?? "the list"
    switch error {
    case .missing: self.init(.notFound, Problem.missing(reference, store))
    case .preconditionFailed(let tag, let version): self.init(preconditionFailed: tag, version, reference?.name)
    case .sameButForCase(let other):
      self.init(
        .duplicateName, "\(name) differs from the graph \(other) in case alone; choose another name")
    case .readOnly(let reason): self.init(.readOnly, reason)
    case .full: self.init(.insufficientStorage, "there is no room for what \(name) needs; nothing has changed")
    case .damaged(let name, let version, let reason):
      self.init(
        .damagedGraph, "version \(version) of \(name) is damaged: \(reason)",
        graph: ("\(name)@\(version)", nil))
    case .unavailable(let reason):
      self.init(.overloaded, "graphs cannot be reached now: \(reason)", headers: [("Retry-After", "1")])
    case .limit(.graphs, let most, let value):
      self.init(.graphs, "the server keeps at most \(most) graphs", limit: most, value: value)
    case .limit(.names, let most, let value):
      self.init(
        .graphs,
        "the server keeps at most \(most) names of graphs, those of deleted ones included; use one of these again",
        limit: most, value: value)
    case .limit(.versions, let most, let value):
      self.init(
        .graphVersions, "the server keeps at most \(most) versions of a graph; delete \(name) to begin anew",
        limit: most, value: value)
    case .limit(.bytes, let most, let value):
      self.init(
        .allGraphBytes, "the graphs would have \(value) bytes together, at most \(most) are kept", limit: most,
        value: value)
    }
  }

  private static func missing(_ reference: GraphReference?, _ store: GraphStore) -> String {
    guard let reference else { return "there are no graphs" }
    guard let number = reference.version, let newest = try? store.version(GraphReference(name: reference.name)) else {
      return "there is no graph \(reference.name); GET /v1/graphs lists those that there are"
    }
    return "\(reference.name) has no version \(number), the newest is \(newest.version); "
      + "GET /v1/graphs/\(reference.name)/versions lists them"
  }

  /// - Parameters:
  ///   - tag: of the version that there is; nil if there is none.
  convenience init(preconditionFailed tag: String?, _ version: Int?, _ name: GraphName?) {
    let name = name.map { "\($0)" } ?? "the graph"
    let detail = tag.map { "\(name) is there, with the entity tag \"\($0)\"" } ?? "there is no graph \(name)"
    self.init(
      .preconditionFailed, "\(detail), so the condition of the request does not hold", version: version,
      headers: tag.map { [("ETag", "\"\($0)\"")] } ?? [])
  }
}
