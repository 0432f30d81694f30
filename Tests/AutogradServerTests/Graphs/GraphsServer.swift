import Foundation
import Testing

@testable import AutogradFormats
@testable import AutogradGraphs
@testable import AutogradHTTP
@testable import AutogradServer

/// A server with registered graphs, but for the socket.
final class GraphsServer: Sendable {
  enum Kind: String, CaseIterable, CustomTestStringConvertible {
    case memory, folder
    var testDescription: String { rawValue }
  }

  let store: GraphStore
  private let router: Router
  /// Removed with the server.
  let folder: URL?
  private let isBorrowed: Bool

  /// - Parameter other: a server whose folder this one shares, as another machine would.
  init(
    _ kind: Kind, limits: Limits = Limits(), stored: StoreLimits = StoreLimits(), sharing other: GraphsServer? = nil,
    plans: PlanCache? = nil
  ) throws {
    let changes = StoreChanges()
    isBorrowed = other != nil
    switch kind {
    case .memory:
      folder = nil
      let memory = try SharedMemoryStorage.create(stored)
      store = GraphStore(
        try SharedMemoryStorage(inheriting: memory, limits: stored, changes: changes), limits.storedGraphs)
    case .folder:
      let path = other?.folder ?? FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
      try FileManager.default.createDirectory(at: path, withIntermediateDirectories: true)
      folder = path
      store = GraphStore(try DirectoryStorage(path.path, limits: stored, changes: changes), limits.storedGraphs)
    }
    router = Router(routes: Routes.all(limits: limits, plans: plans, graphs: store) { true })
  }

  deinit { if !isBorrowed, let folder { try? FileManager.default.removeItem(at: folder) } }

  @discardableResult
  func send(
    _ method: String, _ path: String, _ body: some DataProtocol, type: String? = nil, ifMatch: String? = nil,
    ifNoneMatch: String? = nil
  ) -> Response {
    let parts = path.split(separator: "?", maxSplits: 1)
    return Data(body).withUnsafeBytes { bytes in
      var request = Request(method: method, path: String(parts[0]), id: "7", contentType: type, body: bytes)
      if parts.count == 2 { request.query = Query(String(parts[1])) }
      request.conditions = Conditions(ifMatch: ifMatch, ifNoneMatch: ifNoneMatch)
      return router.respond(to: request).answer().whole
    }
  }

  @discardableResult
  func put(
    _ name: String, _ body: String, type: String? = nil, ifMatch: String? = nil, ifNoneMatch: String? = nil
  ) -> Response {
    send(
      "PUT", "/v1/graphs/\(name)", Data(body.utf8), type: type, ifMatch: ifMatch, ifNoneMatch: ifNoneMatch)
  }

  func get(_ path: String, ifMatch: String? = nil, ifNoneMatch: String? = nil) -> Response {
    send("GET", "/v1/graphs" + path, Data(), ifMatch: ifMatch, ifNoneMatch: ifNoneMatch)
  }

  func post(_ path: String, _ body: String) -> Response { send("POST", "/v1/graphs/" + path, Data(body.utf8)) }

  @discardableResult
  func delete(_ name: String, ifMatch: String? = nil) -> Response {
    send("DELETE", "/v1/graphs/\(name)", Data(), ifMatch: ifMatch)
  }
}

extension Response {
  func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }
  var code: String? { json["code"] as? String }
}
