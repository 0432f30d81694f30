@testable import AutogradCore

/// Every way to a derivative of an elementwise operation: each step is one of two modes, by one of the variables.
///
/// An elementwise operation has a diagonal Jacobian, so cotangents and tangents of ones give the derivatives at all
/// points at once, and the graphs are built once for all of them.
struct DerivativePaths {
  /// One of them: "x:reverse y:forward" is written "x'r y'f".
  struct Path {
    /// Which variable each step is by, and whether backwards.
    var steps: [(variable: Int, isReverse: Bool)]

    var order: Int { steps.count }
    func index(_ variables: Int) -> [Int] {
      (0..<variables).map { variable in steps.filter { $0.variable == variable }.count }
    }
    var modes: String { steps.map { $0.isReverse ? "r" : "f" }.joined() }
    var variables: String { steps.map { ["x", "y"][$0.variable] }.joined() }
  }

  var paths: [Path] = []
  /// For each path the derivative at every point.
  var results: [[Double]] = []

  init(_ group: SpecialPoints.Group) throws {
    let builder = GraphBuilder()
    let operands = (group.points.first?.operands ?? []).indices.map {
      builder.input("x\($0)", .float64, [group.points.count])
    }
    guard let operation = OpCatalog.operation(named: group.operation) else {
      throw GraphError(.unknownOperation, "the fixtures name \"\(group.operation)\", which the catalog has not")
    }
    let value = try builder.apply(operation, operands.map { .value($0) }, group.attributes)[0]
    var level: [(path: Path, value: Value)] = [(Path(steps: []), value)]
    var outputs = [value]
    paths = [Path(steps: [])]
    for _ in 0..<SpecialPoints.order {
      var next: [(path: Path, value: Value)] = []
      for (path, value) in level {
        for variable in group.variables.indices where Self.isTaken(path.steps.map(\.variable) + [variable]) {
          for isReverse in [true, false] {
            let by = operands[group.variables[variable]]
            let derivative =
              isReverse
              ? builder.gradients(of: [(value, builder.ones(value.type))], withRespectTo: [by])[0]
              : builder.tangents(of: [value], along: [(by, builder.ones(by.type))])[0]
            next.append((Path(steps: path.steps + [(variable, isReverse)]), derivative ?? builder.zeros(value.type)))
          }
        }
      }
      paths += next.map(\.path)
      outputs += next.map(\.value)
      level = next
    }
    let graph = try builder.graph(outputs: outputs)
    results = try Plan(graph).run(operands.indices.map(group.tensor)).map(\.doubles)
  }

  /// Of two variables those sequences that come to a mixed derivative from either side: x before y, and y before x.
  private static func isTaken(_ variables: [Int]) -> Bool {
    variables.count <= 2 || variables == variables.sorted() || variables == variables.sorted(by: >)
  }
}
