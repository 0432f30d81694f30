import AutogradFormats

/// A member of a request: which endpoints accept it, and its form in a safetensors file. From this table follow what
/// endpoints accept, what a file's `__metadata__` may hold and what is counted against the limits. A test compares
/// openapi.yaml with it.
///
/// A new member is a row here, its description in openapi.yaml, and the code in ``DifferentialRequest`` that reads it.
struct RequestMember: Sendable {
  let name: StaticString
  let endpoints: Endpoints
  let metadata: Metadata

  /// Which endpoints accept it. `/v1/inspect` accepts what the endpoint in its member `for` does.
  enum Endpoints: Sendable {
    case all
    case only([Endpoint])
    /// `/v1/inspect` only.
    case inspect
  }

  /// Its form in a safetensors file's `__metadata__`.
  enum Metadata: Sendable {
    /// Its JSON text.
    case json
    /// Its JSON text, which is a list of names.
    case names
    /// The text without the quotes that it has in JSON.
    case plain
    /// `true` or `false`.
    case flag
    /// Its tensors are in the file, under its name and a slash. In `__metadata__` it may be `{}`, for none.
    case tensors
    /// All other tensors of the file; not in `__metadata__`.
    case otherTensors
  }

  private init(_ name: StaticString, _ endpoints: Endpoints, _ metadata: Metadata) {
    self.name = name
    self.endpoints = endpoints
    self.metadata = metadata
  }

  static let all: [RequestMember] = [
    RequestMember("for", .inspect, .plain),
    RequestMember("graph", .all, .json),
    RequestMember("inputs", .all, .otherTensors),
    RequestMember("dtype", .all, .plain),
    RequestMember("encoding", .all, .plain),
    RequestMember("outputs", .all, .names),
    RequestMember("batch", .all, .names),
    RequestMember("per_example", .all, .flag),
    RequestMember("of", .only([.evaluate, .jacobian, .hessian, .hvp, .check]), .names),
    RequestMember("wrt", .only([.evaluate, .jacobian, .hessian, .hvp, .check]), .names),
    RequestMember("cotangents", .only([.evaluate, .hessian, .hvp, .check]), .tensors),
    RequestMember("gradients", .only([.evaluate]), .flag),
    RequestMember("tangents", .only([.jvp]), .tensors),
    RequestMember("vectors", .only([.hvp]), .tensors),
    RequestMember("stacked", .only([.jacobian, .hessian]), .flag),
    RequestMember("diagnose", .only([.evaluate, .jvp, .jacobian, .hessian, .hvp]), .flag),
    RequestMember("step", .only([.check]), .json),
    RequestMember("rtol", .only([.check]), .json),
    RequestMember("atol", .only([.check]), .json),
  ]

  /// Members whose tensors have their name as a prefix in a safetensors file.
  static let withTensors = all.filter { $0.metadata == .tensors }

  func isTaken(by endpoint: Endpoint, isInspected: Bool) -> Bool {
    switch endpoints {
    case .all: true
    case .only(let endpoints): endpoints.contains(endpoint)
    case .inspect: isInspected
    }
  }
}

extension Endpoint {
  /// Whether a request may have the member.
  func takes(_ name: JSONName, _ isInspected: Bool = false) -> Bool {
    RequestMember.all.contains { name == $0.name && $0.isTaken(by: self, isInspected: isInspected) }
  }

  /// The names of the members that a request may have, in the order in which messages list them.
  func members(isInspected: Bool = false) -> [String] {
    RequestMember.all.filter { $0.isTaken(by: self, isInspected: isInspected) }.map { "\($0.name)" }
  }
}
