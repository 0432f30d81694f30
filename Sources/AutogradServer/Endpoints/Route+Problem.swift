import AutogradHTTP

/// How a route writes its problems: those of its handler, and what the transport or the router refuses.
typealias ProblemForm = @Sendable (_ problem: Problem, _ requestID: String) -> Response

extension Route {
  /// - Parameters:
  ///   - reads: whether the route reads a body, JSON or a safetensors file.
  ///   - check: which bodies are not read, where they are others than those of requests.
  ///   - readsQuery: whether it reads the parameters of the address.
  ///   - problems: another form than RFC 9457 in JSON, for protocols that have their own.
  convenience init(
    _ method: String, _ path: String, answers: [String] = [MediaTypes.json], reads: Bool = false,
    readsQuery: Bool = false, readsConditions: Bool = false, writes: Bool = false, isHeavy: Bool = false,
    isPublic: Bool = false, isOpen: Bool = false, isProbe: Bool = false,
    check: (@Sendable (Request) -> Refusal?)? = nil,
    problems: @escaping ProblemForm = { $0.response(requestID: $1) },
    _ answer: @escaping @Sendable (Request, PathParameters) throws(Problem) -> Reply
  ) {
    let usual: @Sendable (Request) -> Refusal? = { MediaTypes.checkBody($0) }
    let handler = RouteHandler(refuse: { problems(Problem($0), $1) }) { request, parameters in
      do throws(Problem) {
        return try answer(request, parameters)
      } catch {
        return .now(problems(error, request.id))
      }
    }
    self.init(
      method, path, answers: answers, checkBody: reads ? check ?? usual : nil, readsQuery: readsQuery,
      readsConditions: readsConditions, writes: writes, isHeavy: isHeavy, isPublic: isPublic, isOpen: isOpen,
      isProbe: isProbe, handler: handler)
  }
}
