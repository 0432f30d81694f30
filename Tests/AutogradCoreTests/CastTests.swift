import AutogradTestSupport
import Testing

@testable import AutogradCore

/// Casts at the edges of what the target holds.
@Suite struct CastTests {
  private func graph(_ tensor: Tensor, to dtype: DType) throws -> Graph {
    let builder = GraphBuilder()
    return try builder.graph(outputs: [builder.input("x", tensor.dtype, tensor.shape).cast(to: dtype)])
  }

  private func cast(_ tensor: Tensor, to dtype: DType) throws -> Tensor {
    let graph = try graph(tensor, to: dtype)
    let result = try Plan(graph).run([tensor])
    #expect(Comparison.bits(result, try Interpreter.run(graph, [tensor])) == nil)
    return result[0]
  }

  private func expectRefusal(_ tensor: Tensor, to dtype: DType, at place: SourceLocation = #_sourceLocation) throws {
    let graph = try graph(tensor, to: dtype)
    for run in [{ try Plan(graph).run($0) }, { try Interpreter.run(graph, $0) }] as [([Tensor]) throws -> [Tensor]] {
      let error = #expect(throws: GraphError.self, sourceLocation: place) { try run([tensor]) }
      #expect(error?.code == .numberOutOfRange, sourceLocation: place)
    }
  }

  @Test(arguments: [
    (2.9, Int64(2)), (-2.9, -2), (-0.0, 0), (0.99, 0), (-0x1p63, .min), ((0x1p63).nextDown, Int64.max - 1023),
    (9007199254740993.0, 9007199254740992),
  ]) func float64ToInt64(_ x: Double, _ y: Int64) throws { #expect(try cast(Tensor(x), to: .int64).values() == [y]) }

  @Test(arguments: [(2147483647.9, Int32.max), (-2147483648.9, .min), (-2147483647.5, -2147483647)])
  func float64ToInt32(_ x: Double, _ y: Int32) throws { #expect(try cast(Tensor(x), to: .int32).values() == [y]) }

  @Test(arguments: [0x1p63, (-0x1p63).nextDown, .infinity, -.infinity, .nan, 1e300])
  func float64OutsideInt64(_ x: Double) throws { try expectRefusal(Tensor(x), to: .int64) }

  @Test(arguments: [2147483648.0, -2147483649.0, .infinity, .nan])
  func float64OutsideInt32(_ x: Double) throws { try expectRefusal(Tensor(x), to: .int32) }

  @Test func float32AtTheEdges() throws {
    #expect(try cast(Tensor(Float(-0x1p31)), to: .int32).values() == [Int32.min])
    #expect(try cast(Tensor(Float(0x1p31).nextDown), to: .int32).values() == [Int32(2147483520)])
    try expectRefusal(Tensor(Float(0x1p31)), to: .int32)
    try expectRefusal(Tensor(Float(-0x1p31).nextDown), to: .int32)
    #expect(try cast(Tensor(Float(-0x1p63)), to: .int64).values() == [Int64.min])
    try expectRefusal(Tensor(Float(0x1p63)), to: .int64)
    try expectRefusal(Tensor(Float.nan), to: .int64)
  }

  @Test func floatsNarrowByRounding() throws {
    #expect(
      try cast([0.1, 1e300, -1e300, 1e-300, -0.0], to: .float32).values() == [
        Float(0.1), .infinity, -.infinity, 0, -0.0,
      ])
    // Halfway between two floats: to the even one.
    #expect(try cast(Tensor([1 + 0x1p-24, 1 + 0x1.8p-23]), to: .float32).values() == [Float(1), Float(1 + 0x1p-22)])
    #expect(try cast(Tensor(Double.nan), to: .float32).doubles[0].isNaN)
    #expect(try cast([-0.0], to: .float32).doubles[0].sign == .minus)
  }

  @Test func integersConvert() throws {
    let numbers = Tensor([Int64.max, .min, 1 << 32, -1, (1 << 53) + 1])
    #expect(try cast(numbers, to: .int32).values() == [-1, 0, 0, -1, 1] as [Int32])
    #expect(try cast(numbers, to: .float64).doubles == [0x1p63, -0x1p63, 0x1p32, -1, 0x1p53])
    // One rounding, not two: 2^54 + 2^30 + 1 lies just above halfway between two float32.
    #expect(try cast(Tensor(Int64(1 << 54) + (1 << 30) + 1), to: .float32).values() == [Float(0x1p54 + 0x1p31)])
    #expect(try cast(Tensor([Int32.min, .max]), to: .int64).values() == [Int64(Int32.min), Int64(Int32.max)])
  }

  @Test func boolConverts() throws {
    #expect(try cast([0.0, -0.0, 0.5, .init(Double.nan)], to: .bool).values() == [false, false, true, true])
    #expect(try cast(Tensor([Int64(0), -3]), to: .bool).values() == [false, true])
    for dtype in DType.allCases { #expect(try cast(Tensor([true, false]), to: dtype).doubles == [1, 0]) }
  }
}
