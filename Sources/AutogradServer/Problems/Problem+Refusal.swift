import AutogradHTTP

extension Problem {
  /// A ``Refusal`` of the transport or the router as a problem.
  convenience init(_ refusal: Refusal) {
    switch refusal {
    case .framing(let detail), .header(let detail): self.init(.badRequest, detail)
    case .transferCoding(let detail): self.init(.notImplemented, detail)
    case .bodyTooLarge(let limit, let length):
      let size = length.map { "the body has \($0) bytes" } ?? "the body is larger"
      self.init(.body, "\(size), at most \(limit) are allowed", limit: limit, value: length)
    case .unauthorized:
      self.init(
        .unauthorized, "this server needs a valid token in the header Authorization: Bearer …",
        headers: [("WWW-Authenticate", "Bearer")])
    case .misdirected(let host, let taken):
      self.init(
        .misdirectedRequest,
        "the request is for the host \(host), and this server answers to \(taken.joined(separator: ", ")); ask for "
          + "one of these, or start it with --allowed-host and the name")
    case .unwritable(let reason): self.init(.forbidden, Problem.detail(of: reason))
    case .foreignOrigin(let origin):
      let page = origin.map { "the origin \($0)" } ?? "another site"
      let hint =
        origin == "null" ? " (files and sandboxed frames have the origin null: serve the page from a web server)" : ""
      self.init(
        .originNotAllowed,
        "pages of \(page) may not call this server; start it with --cors-origin and the page's origin\(hint)")
    case .planTooLarge(let limit, let needed):
      self.init(
        .planMemory, "the request needs \(needed) bytes of memory, at most \(limit) are allowed for one", at: "/graph",
        limit: limit, value: needed)
    case .overloaded(let overload):
      let reason = LimitReason(overload)
      self.init(.overloaded, reason.title, reason: reason, headers: [("Retry-After", "1")])
    case .quota(let limit, let seconds):
      let reason = LimitReason(limit)
      self.init(.quotaExceeded, reason.title, reason: reason, headers: [("Retry-After", "\(seconds)")])
    case .tooSlow: self.init(.requestTimeout, "the request did not arrive in time; the connection is closed")
    case .deadlineExceeded:
      self.init(.deadlineExceeded, "the work was not done in time and was stopped")
    case .shuttingDown: self.init(.shuttingDown, "the server is draining", headers: [("Retry-After", "1")])
    case .unknownPath(let path, let known): self.init(unknownPath: path, known: known)
    case .methodNotAllowed(let method, let path, let allowed):
      let list = allowed.joined(separator: ", ")
      self.init(.methodNotAllowed, "\(path) takes \(list), not \(method)", headers: [("Allow", list)])
    case .notAcceptable(let accept, let answers):
      self.init(
        .notAcceptable,
        "the answer is \(answers.joined(separator: " or ")), but Accept allows only \(accept.prefix(80))")
    case .unsupportedMediaType(let detail): self.init(.unsupportedMediaType, detail)
    }
  }

  private static func detail(of refusal: WriteRefusal) -> String {
    switch refusal {
    case .token:
      "the token allows reading only; one that may change graphs has the word write behind it in the token file"
    case .address:
      "the server can be reached from other machines and has no tokens, so nobody may change graphs; start it with "
        + "--token-file, or with --allow-writes"
    case .host(let host):
      "without a token graphs are changed under the host localhost or 127.0.0.1, not \(host.prefix(80)): any web page "
        + "could have such a name for this machine; start the server with --token-file, or with --allow-writes"
    }
  }
}
