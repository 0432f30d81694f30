@testable import AutogradCore

/// Errors of values and first derivatives against an ``AccuracyTable``, in units in the last place.
struct AccuracyMeasurement {
  /// The largest error of a kind, and where it is.
  struct Worst {
    var error = 0.0
    var place = ""
  }

  /// More is too much, unless the operands' own rounding makes as much.
  static let most = 8.0
  /// An operand is known to that many of its last places.
  static let operandError = 2.0
  /// What falls short: the way back through the "tanh" form of gelu multiplies a subnormal number by its inner
  /// derivative.
  static let shortfalls = ["gelu": 16.0]

  /// Value, then derivatives: the largest errors that are not excused.
  var worst: [Worst]
  var overMost = 0
  var excused = 0
  /// Points of each table of kernels that are over ``most`` without excuse.
  var faults: [String] = []
  /// Per point the largest error of the value and of a derivative, of all tables of kernels.
  var errors: [(value: Double, derivative: Double)]

  init(_ table: AccuracyTable) throws {
    worst = Array(repeating: Worst(), count: table.quantities.count)
    errors = Array(repeating: (0, 0), count: table.count)
    let graph = try Self.graph(table)
    for interpreter in TableInterpreter.all {
      let results = try interpreter.run(graph, table.operands).map(\.doubles)
      for (number, quantity) in table.quantities.enumerated() {
        for point in 0..<table.count where !quantity.nearest[point].isNaN {
          let error = Self.error(results[number][point], quantity, point, table.dtype)
          note(error, quantity.conditioning[point], Self.shortfalls[table.operation] ?? 0, number, point) {
            "\(interpreter.name) \(number == 0 ? "value" : "derivative \(number)") at "
              + "\(table.operands.map { $0.doubles[point] }): "
              + "\(results[number][point]), not \(quantity.nearest[point]), \(Self.rounded(error)) ulp"
          }
        }
      }
    }
  }

  /// The value, and its gradients for a cotangent of ones.
  static func graph(_ table: AccuracyTable) throws -> Graph {
    let builder = GraphBuilder()
    let operands = table.operands.enumerated().map { builder.input("x\($0)", table.dtype, $1.shape) }
    guard let operation = OpCatalog.operation(named: table.operation) else {
      throw GraphError(.unknownOperation, "the tables name \"\(table.operation)\", which the catalog has not")
    }
    let value = try builder.apply(operation, operands.map { .value($0) }, table.attributes)[0]
    let gradients = builder.gradients(of: [(value, builder.ones(value.type))], withRespectTo: operands)
    return try builder.graph(outputs: [value] + gradients.map { $0 ?? builder.zeros(value.type) })
  }

  private mutating func note(
    _ error: Double, _ conditioning: Double, _ shortfall: Double, _ number: Int, _ point: Int, _ place: () -> String
  ) {
    if number == 0 { errors[point].value = max(errors[point].value, error) }
    if number > 0 { errors[point].derivative = max(errors[point].derivative, error) }
    if error > Self.most {
      overMost += 1
      if error <= Self.operandError * conditioning {
        excused += 1
        return
      }
      if error > shortfall { faults.append(place()) }
    }
    if error > worst[number].error { worst[number] = Worst(error: error, place: place()) }
  }

  private static func error(_ actual: Double, _ right: AccuracyTable.Quantity, _ point: Int, _ dtype: DType) -> Double {
    let nearest = right.nearest[point]
    let exponent = nearest == 0 ? -149 : max(Int(nearest.exponent) - 23, -149)
    let unit = dtype == .float64 ? nearest.ulp : Double(sign: .plus, exponent: exponent, significand: 1)
    let error = abs((actual - nearest) / unit - right.rest[point])
    return error.isNaN ? .infinity : error
  }

  static func rounded(_ error: Double) -> Double { error < 1e12 ? (error * 100).rounded(.up) / 100 : error }
}
