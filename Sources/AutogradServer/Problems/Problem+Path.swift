import AutogradCore

extension Problem {
  /// Paths that people try, and the actual ones.
  private static let otherPaths = [
    "jacfwd": "/v1/jacobian", "jacrev": "/v1/jacobian", "hess": "/v1/hessian", "jacobians": "/v1/jacobian",
    "hessians": "/v1/hessian",
    "pushforward": "/v1/jvp", "plan": "/v1/inspect", "gradcheck": "/v1/check",
    "vjp": "/v1/evaluate", "grad": "/v1/evaluate", "gradient": "/v1/evaluate", "gradients": "/v1/evaluate",
    "backward": "/v1/evaluate",
    "value_and_grad": "/v1/evaluate", "forward": "/v1/evaluate", "eval": "/v1/evaluate", "run": "/v1/evaluate",
    "ops": "/v1/operations",
    "health": "/livez", "healthz": "/livez", "ready": "/readyz", "docs": "/docs", "index.html": "/docs",
    "swagger": "/openapi.json",
  ]

  /// An unknown path, with suggestions.
  convenience init(unknownPath path: String, known: [String]) {
    let shown = path.isEmpty ? "empty path" : path.count > 64 ? path.prefix(64) + "…" : path
    let last = path.split(separator: "/").last.map { $0.lowercased() } ?? ""
    if let meant = Problem.otherPaths[last] {
      self.init(.notFound, "there is no \(shown); use \(meant)")
      return
    }
    let near = NearestNames.find(path, among: known)
    let hint =
      near.isEmpty
      ? "POST a graph to /v1/evaluate; /docs describes everything"
      : "did you mean \(near.joined(separator: " or "))?"
    self.init(.notFound, "there is no \(shown); \(hint)")
  }
}
