import Foundation
import Testing

@testable import AutogradFormats
@testable import AutogradServer

/// What the endpoints say of one another, on the first hundred random graphs: every derivative is asked for in two
/// ways.
@Suite("Identities across endpoints")
struct DerivativeIdentityTests {
  private static let graphs =
    (try? Project.lines("Tests/Fixtures/random_graphs_float64.jsonl").prefix(100).map { try JSON($0) }) ?? []

  /// Elements in row-major order.
  private func numbers(_ tensor: JSON?) -> [Double] {
    switch tensor {
    case .object(let members)?: numbers(members["data"])
    case .array(let elements)?: elements.flatMap(numbers)
    case .integer(let integer)?: [Double(integer)]
    case .double(let double)?: [double]
    case .string(let text)?: [text == "NaN" ? .nan : text.hasPrefix("-") ? -.infinity : .infinity]
    default: []
    }
  }

  private func tensor(_ numbers: [Double], like other: JSON) -> JSON {
    .object(["shape": other["shape"] ?? .null, "data": .array(numbers.map { .double($0) })])
  }

  private func isFloating(_ tensor: JSON) -> Bool { tensor["dtype"]?.string?.hasPrefix("float") == true }

  /// Small numbers that differ from place to place, the same on every run.
  private func direction(like other: JSON, _ salt: Int) -> JSON {
    tensor(numbers(other).indices.map { Double(($0 * 37 + salt * 11) % 17 - 8) / 4 }, like: other)
  }

  private func ask(_ endpoint: Endpoint, _ request: [String: JSON], _ members: [String: JSON] = [:]) throws -> JSON {
    let body = try JSONEncoder().encode(JSON.object(request.merging(members) { $1 }))
    let response = InProcessServer().send("POST", "/v1/\(endpoint.rawValue)", body: body)
    try #require(response.status == 200, "\(endpoint): \(response.body.string)")
    return try JSON(response)
  }

  private func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }

  private func isClose(_ a: [Double], _ b: [Double], _ tolerance: Double, scale: Double = 1) -> Bool {
    let largest = (a + b).reduce(scale) { max($0, abs($1)) }
    return a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) <= tolerance * largest }
  }

  @Test func thereAreGraphs() { #expect(Self.graphs.count == 100) }

  @Test(
    "Forwards and backwards, Jacobians by rows, Hessians times vectors", .timeLimit(.minutes(60)),
    arguments: graphs.indices)
  func identities(_ index: Int) throws {
    let given = try #require(Self.graphs[index]["request"]).members
    var request = given.filter { ["graph", "inputs", "dtype"].contains($0.key) }
    request["encoding"] = .string("flat")
    let of = given["of"] ?? given["graph"]?["outputs"]
    let plain = try ask(.evaluate, request, of.map { ["outputs": $0, "of": $0] } ?? [:])
    let outputs = try #require(plain["outputs"]).members.filter { isFloating($0.value) }
    let inputs = try #require(plain["gradients"]).members
    let everything = outputs.values.flatMap(numbers) + inputs.values.flatMap(numbers)
    let areFinite = everything.allSatisfy { $0.isFinite }
    try #require(areFinite, "the random graphs are smooth")
    guard !outputs.isEmpty, !inputs.isEmpty else { return }

    let names = JSON.array(outputs.keys.sorted().map { .string($0) })
    let cotangents = outputs.mapValues { direction(like: $0, 3) }
    let directions = inputs.mapValues { direction(like: $0, 5) }
    let selected: [String: JSON] = ["of": names, "cotangents": .object(cotangents)]

    // ⟨ct, J t⟩ = ⟨Jᵀ ct, t⟩
    let tangents = try ask(.jvp, request, ["outputs": names, "tangents": .object(directions)])["tangents"]
    let gradients = try ask(.evaluate, request, selected)["gradients"]
    let forward = outputs.keys.map { dot(numbers(cotangents[$0]), numbers(tangents?[$0])) }
    let backward = inputs.keys.map { dot(numbers(gradients?[$0]), numbers(directions[$0])) }
    let scale = (forward + backward).map(abs).reduce(1, max)
    // Some graphs cast to float32 on the way.
    let tolerance =
      String(decoding: try JSONEncoder().encode(JSON.object(request)), as: UTF8.self).contains("float32") ? 1e-5 : 1e-9
    #expect(isClose([forward.reduce(0, +)], [backward.reduce(0, +)], tolerance, scale: scale))

    try checkJacobian(request, names, outputs, inputs, tolerance)

    // H v, with H and without.
    let hessian = try ask(.hessian, request, selected)
    let products = try ask(.hvp, request, selected.merging(["vectors": .object(directions)]) { $1 })
    #expect(hessian["gradients"] == products["gradients"])
    #expect(hessian["gradients"] == gradients)
    for (name, input) in inputs {
      let rows = numbers(input).indices.map { row in
        inputs.keys.reduce(0) { sum, other in
          let width = numbers(directions[other]).count
          let block = numbers(hessian["hessians"]?[name]?[other])
          return sum + dot(Array(block.dropFirst(row * width).prefix(width)), numbers(directions[other]))
        }
      }
      let terms = inputs.keys.flatMap { numbers(hessian["hessians"]?[name]?[$0]) }.map(abs).reduce(1, max)
      #expect(isClose(rows, numbers(products["products"]?[name]), tolerance, scale: terms), "\(name)")
    }
  }

  /// Each row of a Jacobian is a gradient with a unit cotangent. The first rows of each are compared.
  private func checkJacobian(
    _ request: [String: JSON], _ names: JSON, _ outputs: [String: JSON], _ inputs: [String: JSON], _ tolerance: Double
  ) throws {
    let jacobians = try ask(.jacobian, request, ["of": names])["jacobians"]
    #expect(jacobians?.members.keys.sorted() == outputs.keys.sorted())
    for (name, output) in outputs {
      for row in numbers(output).indices.prefix(2) {
        var unit = [Double](repeating: 0, count: numbers(output).count)
        unit[row] = 1
        let cotangent = JSON.object([name: tensor(unit, like: output)])
        let gradients = try ask(.evaluate, request, ["of": .array([.string(name)]), "cotangents": cotangent])[
          "gradients"]
        for (input, value) in inputs {
          let width = numbers(value).count
          let jacobian = numbers(jacobians?[name]?[input]).dropFirst(row * width).prefix(width)
          #expect(isClose(Array(jacobian), numbers(gradients?[input]), tolerance), "\(name) \(row) by \(input)")
        }
      }
    }
  }
}
