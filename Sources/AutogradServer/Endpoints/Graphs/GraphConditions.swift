import AutogradGraphs
import AutogradHTTP

/// If-Match and If-None-Match of a request for a graph.
struct GraphConditions {
  private let ifMatch: EntityTags?
  private let ifNoneMatch: EntityTags?

  /// - Throws: `bad_request` for a header that is no list of tags: it is never ignored.
  init(_ request: Request) throws(Problem) {
    ifMatch = try GraphConditions.tags(request.conditions.ifMatch, "If-Match")
    ifNoneMatch = try GraphConditions.tags(request.conditions.ifNoneMatch, "If-None-Match")
  }

  private static func tags(_ header: String?, _ name: String) throws(Problem) -> EntityTags? {
    guard let header else { return nil }
    guard let tags = EntityTags(header) else {
      throw Problem(
        .badRequest,
        "\(name) is a list of entity tags in quotes, such as \"3\", or *, got \(header.prefix(80))")
    }
    return tags
  }

  /// Whether to write over the version with this tag; nil if there is none.
  func allowWriting(_ tag: String?) -> Bool {
    if let ifMatch, !ifMatch.strongly(match: tag) { return false }
    if let ifNoneMatch, ifNoneMatch.weakly(match: tag) { return false }
    return true
  }

  /// The answer to a GET that needs no body: 304.
  /// - Throws: `precondition_failed`.
  func unchanged(_ version: StoredVersion) throws(Problem) -> Response? {
    if let ifMatch, !ifMatch.strongly(match: version.tag) {
      throw Problem(preconditionFailed: version.tag, version.version, version.name)
    }
    guard let ifNoneMatch, ifNoneMatch.weakly(match: version.tag) else { return nil }
    return Response(status: 304, contentType: "", headers: [("ETag", version.quotedTag)], body: TextBytes(""))
  }
}
