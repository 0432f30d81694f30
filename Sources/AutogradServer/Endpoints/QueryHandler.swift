import AutogradCore
import AutogradFormats
import AutogradHTTP

/// `GET /v1/evaluate?graph=…&x=1,2,3` and the like, for whatever can only fetch an address: spreadsheets, browsers,
/// `curl -G`.
struct QueryHandler: Sendable {
  let limits: Limits
  /// Answers the same request with a body.
  let reply: @Sendable (Request) -> Reply
  /// The members that the request may have, by name.
  let members: [String: RequestMember]

  func reply(to request: Request) -> Reply {
    do throws(FormatError) {
      let query = try QueryRequest(request.query, members, limits)
      var posted = request
      (posted.contentType, posted.contentEncoding) = (MediaTypes.json, nil)
      posted.body = query.body.bytes
      // A part is picked from JSON.
      if query.select != nil { posted.accept = nil }
      return reply(posted).map { response in
        withExtendedLifetime(query.body) {}
        guard let select = query.select else { return response }
        return SelectedPart.response(select, of: response, request)
      }
    } catch {
      return .now(error.response(requestID: request.id))
    }
  }
}
