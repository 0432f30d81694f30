import AutogradCore
import AutogradFormats
import AutogradGraphs
import AutogradHTTP

/// `/v1/graphs`: graphs that are kept under names.
struct GraphsHandler: Sendable {
  let store: GraphStore
  let limits: Limits

  // MARK: Reading

  /// `GET /v1/graphs`
  func list(_ request: Request) throws(Problem) -> Response {
    let page = try GraphsPage(request.query)
    let (graphs, hasMore) = try ask { () throws(StoreFailure) in
      try store.list(prefix: page.prefix, after: page.after, limit: page.limit)
    }
    return Response(body: GraphsDocument.list(graphs, hasMore, isPersistent: store.storage.isPersistent))
  }

  /// `GET /v1/graphs/{name}`
  func describe(_ request: Request, _ path: PathParameters) throws(Problem) -> Response {
    let reference = try GraphsHandler.reference(path)
    let version = try ask(reference) { () throws(StoreFailure) in try store.version(reference) }
    if let response = try GraphConditions(request).unchanged(version) { return response }
    let graph = try ask(reference) { () throws(StoreFailure) in
      try store.graph(reference) { request.reserveMore($0) }
    }
    return response(graph, try forms(of: graph, request), as: graph.version)
  }

  /// The graph's two forms as text.
  private func forms(of graph: StoredGraph, _ request: Request) throws(Problem) -> GraphsDocument.Forms {
    guard request.reserveMore(graph.formsByteCount) else { throw Problem(Refusal.overloaded(.memory)) }
    do throws(FormatError) {
      return try GraphsDocument.Forms(graph)
    } catch {
      throw Problem(error, of: graph)
    }
  }

  private func response(
    _ graph: StoredGraph, _ forms: GraphsDocument.Forms, as version: StoredVersion, status: Int = 200
  ) -> Response {
    Response(
      status: status, headers: [("ETag", version.quotedTag)], body: GraphsDocument.describe(graph, forms, as: version))
  }

  /// `GET /v1/graphs/{name}/source`
  func source(_ request: Request, _ path: PathParameters) throws(Problem) -> Response {
    let reference = try GraphsHandler.reference(path)
    let conditions = try GraphConditions(request)
    let (version, bytes) = try ask(reference) { () throws(StoreFailure) in
      try store.source(reference) { (try? conditions.unchanged($0) == nil) != true }
    }
    if let response = try conditions.unchanged(version) { return response }
    guard let bytes else { throw Problem(.notFound, "there is no graph \(reference.name)") }
    let type = version.type == .formula ? "text/plain; charset=utf-8" : version.type.rawValue
    return Response(contentType: type, headers: [("ETag", version.quotedTag)], body: SourceBody(bytes))
  }

  /// `GET /v1/graphs/{name}/versions`
  func versions(_ path: PathParameters) throws(Problem) -> Response {
    let reference = try GraphsHandler.reference(path)
    if reference.version != nil { throw Problem(.notFound, "ask for the versions of \(reference.name)") }
    let versions = try ask(reference) { () throws(StoreFailure) in try store.versions(of: reference.name) }
    return Response(body: GraphsDocument.versions(versions, of: reference.name))
  }

  // MARK: Writing

  /// `PUT /v1/graphs/{name}`
  func put(_ request: Request, _ path: PathParameters) throws(Problem) -> Response {
    try refuseParameters(request)
    let name = try writable(path)
    let conditions = try GraphConditions(request)
    let most = limits.graphBytes
    guard request.body.count <= most else {
      throw Problem(
        .graphBytes, "the graph has \(request.body.count) bytes, at most \(most) are kept", limit: most,
        value: request.body.count)
    }
    let type = GraphUpload.type(of: request)
    if type == .formula, let refusal = GraphUpload.refusal(ofFormula: request) { throw Problem(refusal) }
    let graph = try ask(GraphReference(name: name), request) { () throws(StoreFailure) in
      try store.check(
        StoredBytes(request.body, owner: store), as: type, name: name, assemblesIn: { prepare($0, request) },
        reserve: request.reserveMore)
    }
    // Before it is stored: once it is, nothing may fail.
    let forms = try forms(of: graph, request)
    var existed = false
    let version = try ask(GraphReference(name: name)) { () throws(StoreFailure) in
      try store.put(graph) { tag in
        existed = tag != nil
        return conditions.allowWriting(tag)
      }
    }
    var response = response(graph, forms, as: version, status: existed ? 200 : 201)
    if !existed { response.headers.append(("Location", "/v1/graphs/\(name)")) }
    return response
  }

  /// The builder in which a graph is assembled to check it.
  private func prepare(_ builder: GraphBuilder, _ request: Request) {
    builder.maximumNodes = limits.derivedNodes(ofText: request.body.count)
    builder.interruption = request.interruption
    if let memory = request.memory, request.interruption != nil {
      builder.reserveNodes = { memory.reserveMore($0 * Limits.planningBytesPerNode) }
    }
  }

  /// `DELETE /v1/graphs/{name}`
  func delete(_ request: Request, _ path: PathParameters) throws(Problem) -> Response {
    try refuseParameters(request)
    let name = try writable(path)
    let conditions = try GraphConditions(request)
    try ask(GraphReference(name: name)) { () throws(StoreFailure) in
      try store.delete(name, if: conditions.allowWriting)
    }
    return Response(status: 204, contentType: "", body: TextBytes(""))
  }

  /// Whoever writes `?version=1` does not mean all versions.
  private func refuseParameters(_ request: Request) throws(Problem) {
    guard let first = request.query.parameters.first else { return }
    throw Problem(
      .unknownMember, "\(request.method) takes no parameters, got \(first.name.prefix(64))",
      at: Pointer.member(first.name))
  }

  // MARK: Names

  /// The graph that a path names.
  static func reference(_ path: PathParameters) throws(Problem) -> GraphReference {
    let text = path["name"].replacingPercentAt
    guard let reference = GraphReference(text) else {
      throw Problem(
        .wrongType,
        "a graph is called by a letter and up to \(GraphName.longest - 1) letters, digits, _, . and -, and perhaps @ "
          + "and a version; not \"\(text.prefix(80))\"")
    }
    return reference
  }

  /// - Throws: `method_not_allowed` for a version, which never changes.
  private func writable(_ path: PathParameters) throws(Problem) -> GraphName {
    let reference = try GraphsHandler.reference(path)
    guard reference.version == nil else {
      throw Problem(
        .methodNotAllowed, "versions never change; put or delete \(reference.name)", headers: [("Allow", "GET, HEAD")])
    }
    return reference.name
  }

  // MARK: Failures

  /// Asks the store, and says as a problem why it does not do it.
  private func ask<Result>(
    _ reference: GraphReference? = nil, _ upload: Request? = nil, _ body: () throws(StoreFailure) -> Result
  ) throws(Problem) -> Result {
    do throws(StoreFailure) {
      return try body()
    } catch {
      if case .graph(let fault, nil) = error, let upload {
        throw Problem(GraphUpload.explained(fault, upload))
      }
      throw Problem(error, reference, store)
    }
  }
}

extension String {
  /// The sign between name and version may be escaped.
  fileprivate var replacingPercentAt: String {
    guard utf8.contains(UInt8(ascii: "%")), let sign = firstRange(of: "%40") else { return self }
    return self[..<sign.lowerBound] + "@" + self[sign.upperBound...]
  }
}

/// The bytes of a source, sent from where they are.
private final class SourceBody: ResponseBytes {
  private let source: StoredBytes

  init(_ source: StoredBytes) { self.source = source }

  var bytes: UnsafeRawBufferPointer { source.bytes }
  var capacity: Int { source.bytes.count }
}

extension StoredVersion {
  /// The entity tag as headers have it.
  var quotedTag: String { "\"\(tag)\"" }
}
