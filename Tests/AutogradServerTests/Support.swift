import AutogradCore
import Foundation
import Testing

@testable import AutogradFormats
@testable import AutogradHTTP
@testable import AutogradServer

/// The project's own files, found from this one.
enum Project {
  static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  static func file(_ path: String) throws -> Data { try Data(contentsOf: root.appending(path: path)) }

  /// The lines of a file of JSON lines.
  /// A file that has none would let every test of its lines pass.
  static func lines(_ path: String) throws -> [Data] {
    let lines = try file(path).split(separator: UInt8(ascii: "\n")).map { Data($0) }
    return try #require(lines.isEmpty ? nil : lines, "\(path) is empty")
  }
}

/// The whole server but for the socket.
struct InProcessServer {
  var limits = Limits()
  var plans: PlanCache?

  func send(
    _ method: String, _ path: String, body: some DataProtocol, contentType: String? = nil, accept: String? = nil
  ) -> Response {
    let router = Router(routes: Routes.all(limits: limits, plans: plans) { true })
    let bytes = Data(body)
    return bytes.withUnsafeBytes { bytes in
      let request = Request(
        method: method, path: path, id: "test", contentType: contentType, accept: accept, body: bytes)
      return router.respond(to: request).answer().whole
    }
  }

  func evaluate(_ body: String) -> Response { send("POST", "/v1/evaluate", body: Data(body.utf8)) }
}

extension Response {
  /// The same with a body that is there, where it would be made while it is sent.
  var whole: Response {
    guard case .stream = body else { return self }
    let bytes = ByteBuffer()
    let failure = body.forEachPiece(Interruption()) { bytes.append($0) }
    #expect(failure == nil)
    var response = self
    response.body = .whole(bytes)
    return response
  }

  /// The body as Foundation reads it.
  var json: [String: Any] {
    (try? JSONSerialization.jsonObject(with: Data(body.bytes))) as? [String: Any] ?? [:]
  }
}

extension Data {
  func withDocument<Result>(_ body: (JSONDocument) throws -> Result) throws -> Result {
    try withUnsafeBytes { bytes in
      let document = try JSONDocument(parsing: bytes, maximumDepth: 200)
      return try withExtendedLifetime(document) { try body(document) }
    }
  }
}

extension JSONValue {
  var data: Data { Data(text) }

  /// The member of a name known only at run time.
  subscript(dynamic key: String) -> JSONValue? {
    for (name, value) in members where name.string == key { return value }
    return nil
  }
}

extension Data {
  /// Of two objects of JSON, one with the members of both.
  func joined(with members: Data) -> Data { dropLast() + Data(",".utf8) + members.dropFirst() }
}
