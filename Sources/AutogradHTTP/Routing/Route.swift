/// One path and method.
package final class Route: Sendable {
  package let method: String
  /// May end in `{name}`, which matches one segment.
  package let path: String
  /// What stands before the parameter; nil for a path without one.
  package let prefix: String?
  /// The media types that answers may have, the usual one first. Errors are sent whatever a client accepts.
  package let answers: [String]
  /// Whether it may take long even for a small body, and so is always left to the compute pool.
  package let isHeavy: Bool
  /// Whether it needs no token where others do.
  package let isPublic: Bool
  /// See ``RoutePlace/isProbe``.
  package let isProbe: Bool
  package let handle: @Sendable (_ request: Request, _ parameter: String) -> Reply

  package init(
    _ method: String, _ path: String, answers: [String] = [MediaTypes.json], isHeavy: Bool = false,
    isPublic: Bool = false, isProbe: Bool = false,
    _ handle: @escaping @Sendable (_ request: Request, _ parameter: String) -> Reply
  ) {
    self.method = method
    self.path = path
    prefix = path.firstIndex(of: "{").map { String(path[..<$0]) }
    self.answers = answers
    self.isHeavy = isHeavy
    self.isPublic = isPublic
    self.isProbe = isProbe
    self.handle = handle
  }

  /// HEAD is GET without the body, which the transport leaves out.
  package func takes(_ method: String) -> Bool { method == self.method || (method == "HEAD" && self.method == "GET") }

  /// The parameter, or nil if the path does not match or has none.
  func parameter(of path: String) -> String? {
    guard let prefix, path.hasPrefix(prefix) else { return nil }
    let rest = path.dropFirst(prefix.count)
    return rest.isEmpty || rest.contains("/") ? nil : String(rest)
  }
}
