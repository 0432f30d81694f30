import AutogradCore
import Glibc

@testable import AutogradFormats
@testable import AutogradHTTP
@testable import AutogradServer

// What libFuzzer calls with each input. Which part is fuzzed is said by the environment, since the command line is
// libFuzzer's.

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  part(UnsafeRawBufferPointer(start: start, count: count))
  return 0
}

private let part: @Sendable (UnsafeRawBufferPointer) -> Void = {
  let name = getenv("FUZZ_PART").map { String(cString: $0) } ?? ""
  guard let part = parts[name] else { fatalError("FUZZ_PART is one of \(parts.keys.sorted().joined(separator: ", "))") }
  return part
}()

private let parts: [String: @Sendable (UnsafeRawBufferPointer) -> Void] = [
  "json": fuzzJSON, "graph": fuzzGraph, "evaluate": fuzzEvaluate, "safetensors": fuzzSafetensors, "http": fuzzHTTP,
]

/// Small, so that a run is short and memory cannot be what ends it.
private let limits: Limits = {
  var limits = Limits()
  limits.bodyBytes = 1 << 20
  limits.planBytes = 1 << 20
  limits.planWork = 1_000_000
  limits.answerElements = 10_000
  limits.nodes = 1000
  return limits
}()

/// A document that can be read is written back as the value that it was.
@Sendable private func fuzzJSON(_ bytes: UnsafeRawBufferPointer) {
  guard let document = try? JSONDocument(parsing: bytes, maximumDepth: 64) else { return }
  withExtendedLifetime(document) { walk(document.root) }
}

private func walk(_ value: JSONValue) {
  switch value.kind {
  case .array: for element in value.elements { walk(element) }
  case .object: for (_, member) in value.members { walk(member) }
  case .number:
    if let token = value.numberToken { blackHole(token.double().value) }
  case .string: blackHole(value.string)
  default: break
  }
}

@inline(never) private func blackHole<T>(_: T) {}

private let router = Router(routes: Routes.all(limits: limits, plans: PlanCache(plans: 64, bytes: 1 << 20)) { true })

private func send(_ path: String, _ contentType: String, _ body: UnsafeRawBufferPointer) {
  let request = Request(method: "POST", path: path, contentType: contentType, body: body)
  let response = router.respond(to: request).answer()
  guard [200, 400, 413, 415, 422].contains(response.status) else {
    fatalError("\(response.status) \(response.body.string)")
  }
  // Whatever is answered in JSON must be JSON.
  if response.contentType != "application/vnd.safetensors" {
    guard (try? JSONDocument(parsing: response.body.bytes, maximumDepth: 1000)) != nil else {
      fatalError(response.body.string)
    }
  }
  withExtendedLifetime(response) {}
}

@Sendable private func fuzzGraph(_ bytes: UnsafeRawBufferPointer) { send("/v1/inspect", "application/json", bytes) }

/// The first byte chooses the endpoint. Twice: the second time with the plan of the first.
@Sendable private func fuzzEvaluate(_ bytes: UnsafeRawBufferPointer) {
  guard let first = bytes.first else { return }
  let endpoints = Endpoint.allCases
  let path = "/v1/\(endpoints[Int(first) % endpoints.count].rawValue)"
  for _ in 0..<2 { send(path, "application/json", UnsafeRawBufferPointer(rebasing: bytes.dropFirst())) }
}

@Sendable private func fuzzSafetensors(_ bytes: UnsafeRawBufferPointer) {
  for _ in 0..<2 { send("/v1/evaluate", "application/vnd.safetensors", bytes) }
}
