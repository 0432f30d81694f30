import AutogradCore
import Glibc

@testable import AutogradFormats
@testable import AutogradGraphs
@testable import AutogradHTTP
@testable import AutogradServer

/// The parts of the server that are fuzzed: each takes any bytes, and ends the program for an answer that may not be.
enum FuzzParts {
  static let all: [String: @Sendable (UnsafeRawBufferPointer) -> Void] = [
    "json": fuzzJSON, "graph": fuzzGraph, "evaluate": fuzzEvaluate, "formula": fuzzFormula, "stored": fuzzStored,
    "files": fuzzFiles, "safetensors": fuzzSafetensors, "http": fuzzHTTP,
  ]
}

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

/// A formula that can be read is printed so that it is printed alike when it is read again.
@Sendable private func fuzzFormula(_ bytes: UnsafeRawBufferPointer) {
  send("/v1/evaluate", "text/plain", bytes)
  guard let read = try? FormulaReader.read(bytes, limits: limits.graphs) else { return }
  guard let printed = try? FormulaPrinter.print(read.source, read.text) else { return }
  withExtendedLifetime(printed) {
    guard let again = try? FormulaReader.read(printed.bytes, limits: limits.graphs),
      let twice = try? FormulaPrinter.print(again.source, again.text), twice.string == printed.string
    else { fatalError(printed.string) }
  }
}

/// The first byte chooses the type of a graph that is put under a name.
@Sendable private func fuzzStored(_ bytes: UnsafeRawBufferPointer) {
  guard let first = bytes.first else { return }
  let copy = StoredCopy(bytes.dropFirst())
  let types = GraphMediaType.allCases
  guard let name = GraphName("g") else { return }
  let version = StoredVersion(
    name: name, version: 1, type: types[Int(first) % types.count], created: 0, description: nil,
    byteCount: copy.bytes.count, digest: SHA256Digest(of: copy.bytes))
  let graph = try? StoredGraph(
    version, StoredBytes(copy.bytes, owner: copy), limits.storedGraphs, assemblesIn: { _ in })
  guard let graph else { return }
  _ = try? graph.formula()
  let json = ByteBuffer()
  guard (try? graph.writeJSON(to: json)) != nil else { return }
  guard (try? JSONDocument(parsing: json.bytes, maximumDepth: 1000)) != nil else { fatalError(json.string) }
}

private final class StoredCopy {
  let bytes: UnsafeRawBufferPointer

  init(_ source: some Collection<UInt8>) {
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: source.count, alignment: 64)
    copy.copyBytes(from: source)
    bytes = UnsafeRawBufferPointer(copy)
  }

  deinit { bytes.deallocate() }
}

/// The first byte chooses the kind of file.
@Sendable private func fuzzFiles(_ bytes: UnsafeRawBufferPointer) {
  guard let first = bytes.first else { return }
  let file = UnsafeRawBufferPointer(rebasing: bytes.dropFirst())
  if first % 2 == 0 {
    if let tensor = try? NPYReader.read(file) { blackHole(tensor.doubles.reduce(0, +)) }
  } else if let json = try? CSVReader.json(file) {
    guard (try? JSONDocument(parsing: json.bytes, maximumDepth: 64)) != nil else { fatalError(json.string) }
  }
}
