import AutogradCore
import AutogradFormats
import AutogradHTTP

/// `GET /v1/evaluate?graph=…&x=1,2,3` and the like, for whatever can only fetch an address: spreadsheets, browsers,
/// `curl -G`. And `POST /v1/evaluate?x=1,2,3` with the formula as the body.
struct QueryHandler: Sendable {
  let limits: Limits
  /// The members that the request may have, by name.
  let members: [String: RequestMember]

  /// - Parameter reply: answers the same request with a body.
  func reply(to request: Request, _ reply: (Request) -> Reply) -> Reply {
    let hasFormula = request.method == "POST"
    do throws(FormatError) {
      let query = try QueryRequest(request.query, hasFormula ? request.body : nil, members, limits)
      var posted = request
      posted.contentType = hasFormula ? MediaTypes.formula : MediaTypes.json
      posted.contentEncoding = nil
      posted.body = query.body.bytes
      // A part is picked from JSON.
      if query.select != nil { posted.accept = nil }
      return reply(posted).map { response in
        withExtendedLifetime(query.body) {}
        guard let select = query.select else { return response }
        return SelectedPart.response(select, of: response, request)
      }
    } catch {
      return .now(Problem(hasFormula ? error.moved(from: "/graph", to: "") : error).response(requestID: request.id))
    }
  }
}
