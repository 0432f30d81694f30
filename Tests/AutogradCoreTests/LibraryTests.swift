import AutogradTestSupport
import Testing

@testable import AutogradCore

/// Formulas in Swift: what a program that uses the library writes.
@Suite struct LibraryTests {
  let builder = GraphBuilder()

  @Test func operatorsTakeNumbersOnEitherSide() throws {
    let x = builder.variable([1, 2])
    let cases: [(Value, [Double])] = [
      (x + 1, [2, 3]), (1 + x, [2, 3]), (x - 1, [0, 1]), (1 - x, [0, -1]), (x * 3, [3, 6]), (3 * x, [3, 6]),
      (x / 4, [0.25, 0.5]),
      (4 / x, [4, 2]), (-x, [-1, -2]), (x - x, [0, 0]), (x / x, [1, 1]),
    ]
    for (value, expected) in cases { #expect(try value.evaluate().doubles == expected) }
  }

  @Test func methods() throws {
    let x = builder.variable([[1, 2, 3], [4, 5, 6]])
    let cases: [(Value, String)] = [
      (x.transpose(), "[[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]]"),
      (x.reshape(3, -1), "[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]"),
      (x.reshape([6]), "[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]"), (x.sum(), "21.0"), (x.sum(axis: -1), "[6.0, 15.0]"),
      (x.sum(axis: [0], keepDimensions: true), "[[5.0, 7.0, 9.0]]"),
      (x.matmul(x.transpose()), "[[14.0, 32.0], [32.0, 77.0]]"),
      (x.split([1, 2], axis: 1)[1], "[[2.0, 3.0], [5.0, 6.0]]"), (x.split(into: 3, axis: -1)[0], "[[1.0], [4.0]]"),
      (x.slice(starts: [nil, 2], ends: [nil, 0], steps: [1, -1]), "[[3.0, 2.0], [6.0, 5.0]]"),
      (x.slice(starts: [1], ends: [3], axes: [1]), "[[2.0, 3.0], [5.0, 6.0]]"),
      (x.sum().broadcast(to: [2]), "[21.0, 21.0]"),
      (x.cast(to: .int32), "[[1, 2, 3], [4, 5, 6]]"), (x.cast(to: .bool), "[[true, true, true], [true, true, true]]"),
    ]
    for (value, expected) in cases { #expect(try value.evaluate().description == expected) }
  }

  @Test func backwardGivesEveryVariableItsGradient() throws {
    let x = builder.variable([1, 2, 3])
    let w = builder.variable([4, 5, 6], "w")
    _ = builder.variable(Tensor(Int64(3)))
    let unused = builder.variable([[7]])
    let gradients = try (x * w).sum().backward()
    #expect(gradients[x].doubles == [4, 5, 6])
    #expect(gradients[w].doubles == [1, 2, 3])
    #expect(gradients[unused].doubles == [0])
    #expect(gradients[unused].shape == [1, 1])
  }

  @Test func backwardTakesACotangent() throws {
    let x = builder.variable([1, 2, 3])
    let y = x * x
    #expect(try y.backward([10, 0, -1])[x].doubles == [20, 0, -6])
    #expect(try y.backward()[x].doubles == [2, 4, 6])
    for wrong in [[1, 2], [[1, 2, 3]], Tensor([1, 2, 3] as [Float])] as [Tensor] {
      let error = #expect(throws: GraphError.self) { try y.backward(wrong) }
      #expect(error?.code == .shapeMismatch)
      #expect(error?.message == "the cotangent is \(wrong.type), the value is float64[3]")
    }
    // A refused cotangent spoils nothing.
    #expect(try y.backward()[x].doubles == [2, 4, 6])
  }

  @Test func dtypesMix() throws {
    let x = builder.variable(Tensor([1, 2] as [Float]))
    let w = builder.variable([0.1, 0.2])
    let gradients = try (x * w).sum().backward()
    #expect(gradients[x].values() == [Float(0.1), Float(0.2)])
    #expect(gradients[w].doubles == [1, 2])
    let n = builder.variable(Tensor([Int32(2), 3]))
    #expect(try (n * n + 1).evaluate().values() == [Int32(5), 10])
    #expect(try (n.cast(to: .float64) * w).backward()[w].doubles == [2, 3])
    #expect(!(n * w).isValid)
  }

  /// Through integers and back nothing flows, but what stands beside them does.
  @Test func integersOnTheWayStopGradients() throws {
    let x = builder.variable([1.5, -2.5])
    let whole = (x.cast(to: .int32) * 3 + 1).cast(to: .float64)
    #expect(try whole.backward()[x] == [0, 0])
    #expect(try (whole * x).backward()[x] == [4, -5])
  }

  /// Gradients are values: they are differentiated like any other.
  @Test func gradientsOfGradients() throws {
    let x = builder.variable([2, 3])
    let first = (x * x * x).gradient(withRespectTo: x)
    let second = first.gradient(withRespectTo: x)
    let third = second.gradient(withRespectTo: x)
    #expect(try first.evaluate() == [12, 27])
    #expect(try second.evaluate() == [12, 18])
    #expect(try third.evaluate() == [6, 6])
    #expect(try third.gradient(withRespectTo: x).evaluate() == [0, 0])
    #expect(try first.gradient(withRespectTo: x, cotangent: builder.constant([1, 10])).evaluate() == [12, 180])
    // A gradient is part of the formula: the derivative of x · (x³)' is 3 x² + x · 6 x.
    #expect(try (x * first).backward()[x] == [36, 81])
  }

  @Test func whatCarriesNoGradientIsRefused() throws {
    let x = builder.variable([1, 2])
    let n = builder.variable(Tensor([Int64(1), 2]))
    for attempt in [{ x.gradient(withRespectTo: n) }, { n.gradient(withRespectTo: x) }] {
      #expect(!attempt().isValid)
      #expect(builder.takeError()?.message == "a value of int64 carries no gradient; cast it to a float dtype first")
    }
    #expect(#expect(throws: GraphError.self) { try n.backward() }?.code == .dtypeMismatch)
    #expect(builder.firstError == nil)
    let faulty = x.reshape(3)
    #expect(!faulty.gradient(withRespectTo: x).isValid && !x.gradient(withRespectTo: faulty).isValid)
    #expect(#expect(throws: GraphError.self) { try faulty.backward() }?.operation == "reshape")
  }

  /// With respect to a value in the middle the gradient is total: through every path from there.
  @Test func gradientsOfIntermediateValues() throws {
    let x = builder.variable(3)
    let y = x * x
    let z = y * y + y * 2
    let gradients = builder.gradients(of: [(z, builder.constant(1.0))], withRespectTo: [y, x, z])
    #expect(try gradients.map { try #require($0).evaluate().doubles } == [[20], [120], [1]])
  }

  /// Several outputs, each with its cotangent, one of them twice.
  @Test func cotangentsOfSeveralOutputsAddUp() throws {
    let x = builder.variable([1, 2])
    let y = x * 2
    let z = y * x
    let outputs = [(y, builder.constant([1, 10])), (z, builder.constant([1, 0])), (y, builder.constant([5, 5]))]
    #expect(try #require(builder.gradients(of: outputs, withRespectTo: [x])[0]).evaluate().doubles == [12 + 4, 30])
  }

  @Test func cotangentsMustFit() {
    let x = builder.variable([1, 2])
    #expect(builder.gradients(of: [(x * x, builder.constant(1.0))], withRespectTo: [x])[0] == nil)
    #expect(builder.takeError()?.message == "the cotangent is float64[], the value is float64[2]")
    #expect(builder.gradients(of: [(x * x, builder.constant([1, 1]))], withRespectTo: [x])[0] != nil)
  }

  /// The quotient's derivative stays in range where the square of the divisor does not.
  @Test(arguments: [(1e-25, 1e-20), (1e25, 1e20), (3e30, 2e25)]) func quotientsOfExtremes(_ x: Double, _ y: Double)
    throws
  {
    let numerator = builder.variable(Tensor(Float(x)))
    let denominator = builder.variable(Tensor(Float(y)))
    let gradient = try (numerator / denominator).backward()[denominator].doubles[0]
    #expect(abs(gradient / (-x / (y * y)) - 1) < 1e-6)
  }

  @Test func mistakesAreThrownWhenRun() {
    let x = builder.variable([1, 2])
    let y = x + builder.variable([1, 2, 3])
    #expect(throws: GraphError.self) { try y.evaluate() }
    #expect(throws: GraphError.self) { try y.backward() }
    #expect(!x.split(into: 0).contains { $0.isValid })
    #expect(!x.split(into: -1).contains { $0.isValid })
    #expect(x.split([]).isEmpty)
  }

  @Test func anInputWithoutDataIsNamed() {
    let x = builder.variable([1, 2])
    let named = builder.input("weights", .float64, [2])
    #expect(
      #expect(throws: GraphError.self) { try (x + named).evaluate() }?.message.hasPrefix("input weights has no data")
        == true)
    let nameless = GraphBuilder()
    let y = nameless.input("", .float64, [])
    #expect(#expect(throws: GraphError.self) { try y.evaluate() }?.message.hasPrefix("input 0 has no data") == true)
  }

  @Test func anyOperationByItsName() throws {
    let builder = GraphBuilder()
    let a = builder.variable([[4, 1], [2, 3]])
    let b = builder.variable([1, 2])
    let x = a.applying("solve", b)
    #expect(try Comparison.close([x.evaluate()], [[0.1, 0.6]], tolerance: 1e-15) == nil)
    let parts = a.applying("slogdet", [], resultCount: 2)
    #expect(try parts[0].evaluate() == Tensor(1.0))
    #expect(try Comparison.close([parts[1].backward()[a]], [[[0.3, -0.2], [-0.1, 0.4]]], tolerance: 1e-15) == nil)
    #expect(try b.applying("softmax", attributes: ["axis": .integer(0)]).sum().evaluate() == Tensor(1.0))
    let error = #expect(throws: GraphError.self) { try b.applying("tahn").evaluate() }
    #expect(error?.code == .unknownOperation && error?.message.contains("tanh") == true)
  }
}
