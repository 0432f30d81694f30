import AutogradHTTP

extension Router {
  /// - Parameter documentBytes: memory that the values of a body may take.
  convenience init(routes: [Route], documentBytes: Int = Limits().documentBytes) {
    var rules = RoutingRules { refusal, requestID in Problem(refusal).response(requestID: requestID) }
    // What reading a body may take beside it: its values, or as bytes the tensors of one that is mostly base64.
    rules.memoryOfBody = { max($0, min($0 * Limits.documentBytesPerByte, documentBytes)) }
    self.init(routes: routes, rules: rules)
  }
}
