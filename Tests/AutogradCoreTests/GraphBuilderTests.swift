import Testing

@testable import AutogradCore

@Suite struct GraphBuilderTests {
  let builder = GraphBuilder()

  // MARK: Equal nodes are one node

  @Test func equalNodesAreOne() throws {
    let x = builder.input("x", .float64, [2, 3])
    let y = builder.input("y", .float64, [2, 3])
    let count = { builder.columns.nodeCount }
    let sum = x + y
    let before = count()
    #expect(x + y == sum)
    #expect(count() == before)
    #expect(y + x != sum, "addition of NaNs does not commute, so operands are not sorted")
    #expect(x.reshape(3, 2) == x.reshape(3, -1))
    #expect(x.transpose() == x.transpose(1, 0))
    #expect(x.transpose() == x.transpose(-1, -2))
    #expect(x.sum() == x.sum(axis: [1, 0]))
    #expect(x.sum(axis: 0) != x.sum(axis: 1))
    #expect(x.split([1, 1]) == x.split(into: 2))
    #expect(x.split([1, 2], axis: 1) != x.split([2, 1], axis: 1))
    #expect(x.cast(to: .float32) == x.cast(to: .float32))
    #expect(x.cast(to: .float32) != x.cast(to: .int32))
    #expect(x.slice(starts: [0], ends: [1]) == x.slice(starts: [nil], ends: [-1]))
    #expect(x * 2 == x * 2.0)
  }

  @Test func equalNodesAreOneAmongManyAndAcrossBuilders() throws {
    let x = builder.input("x", .float64, [])
    let values = (0..<5000).map { x * Double($0) }
    #expect(Set(values).count == 5000)
    for (index, value) in values.enumerated() { #expect(x * Double(index) == value) }

    let graph = try builder.graph(outputs: [values[7]])
    let continued = GraphBuilder(extending: graph)
    let count = continued.columns.nodeCount
    #expect((continued.value(x.id) * 7).id == values[7].id)
    #expect(continued.columns.nodeCount == count)
  }

  /// What leaves values as they are adds no node.
  @Test func nothingToDoIsNoNode() {
    let x = builder.input("x", .float64, [2, 3])
    #expect(x.reshape(2, 3) == x)
    #expect(x.transpose(0, 1) == x)
    #expect(x.broadcast(to: [2, 3]) == x)
    #expect(x.sum(axis: []) == x)
    #expect(x.cast(to: .float64) == x)
    #expect(x.split([2]) == [x])
    #expect(x.slice(starts: [0], ends: [2]) == x)
    #expect(x.slice(starts: [nil], ends: [nil], steps: [-1]) != x)
    #expect(builder.columns.nodeCount == 2)
  }

  @Test func constantsAreEqualByTheirBits() {
    #expect(builder.constant(0.0) == builder.constant(0.0))
    #expect(builder.constant(0.0) != builder.constant(-0.0))
    #expect(builder.constant(Scalar(0.0)) != builder.constant(Scalar(Int64(0))))
    let quiet = Scalar(.float64, bits: 0x7FF8_0000_0000_0000)
    let other = Scalar(.float64, bits: 0x7FF8_0000_0000_0001)
    #expect(builder.constant(quiet) == builder.constant(quiet))
    #expect(builder.constant(quiet) != builder.constant(other))
    #expect(builder.constant(Tensor(Float.nan)) == builder.constant(Tensor(Float.nan)))
  }

  @Test func inputsAreNeverOne() {
    #expect(builder.input("a", .float64, [2]) != builder.input("a", .float64, [2]))
    #expect(builder.columns.inputNames == ["a", "a"])
  }

  // MARK: Mistakes

  /// Operators cannot throw: the first mistake waits until the graph is finished.
  @Test func theFirstMistakeIsKept() throws {
    let x = builder.input("x", .float64, [2])
    let y = builder.input("y", .float64, [3])
    let faulty = x + y
    #expect(!faulty.isValid)
    #expect(builder.firstError?.code == .shapeMismatch)
    let later = (faulty * 2).sum() + x.matmul(faulty) - faulty.reshape(7)
    #expect(!later.isValid)
    #expect(faulty.split([1, 1]).allSatisfy { !$0.isValid })
    _ = x.reshape(17)
    let error = #expect(throws: GraphError.self) { try builder.graph(outputs: [later]) }
    #expect(error?.description == "add: shapes do not broadcast: operand 0 is [2], operand 1 is [3]")
    #expect(throws: GraphError.self) { try builder.graph(outputs: [x]) }
  }

  /// Mixing both ways of building loses no mistake and blames no innocent operation.
  @Test func throwingCallsKeepAnEarlierMistake() throws {
    let x = builder.input("x", .float64, [2])
    let faulty = x.reshape(3)
    let neg = try #require(OpCatalog.operation(named: "neg"))
    for _ in 0..<2 {
      let error = #expect(throws: GraphError.self) { try builder.apply(neg, [.value(x)]) }
      #expect(error?.operation == "reshape")
    }
    #expect(throws: GraphError.self) { try builder.graph(outputs: [faulty]) }
  }

  /// A refused node leaves nothing behind: equal good nodes are still found, and the next node is whole.
  @Test func refusedNodesLeaveNoTrace() throws {
    let x = builder.input("x", .float64, [1 << 20])
    let product = x * x
    let before = builder.columns
    let broadcast = try #require(OpCatalog.operation(named: "broadcast_to"))
    for _ in 0..<3 {
      #expect(throws: GraphError.self) {
        try builder.apply(broadcast, [.value(x)], ["shape": .integers([1 << 30, 1 << 20])])
      }
    }
    #expect(builder.columns.nodeCount == before.nodeCount)
    #expect(builder.columns.operands == before.operands)
    #expect(x * x == product)
    try builder.graph(outputs: [product + x]).validate()
  }

  @Test func labelsNameTheNode() throws {
    let x = builder.input("x", .float64, [2])
    builder.label = 41
    _ = x + x
    builder.label = 42
    let error = #expect(throws: GraphError.self) {
      try builder.apply(#require(OpCatalog.operation(named: "reshape")), [.value(x)], ["shape": .integers([3])])
    }
    #expect(error?.node == 42)
    #expect(error?.place == .attribute("shape"))
  }

  // MARK: Numbers and dtypes

  @Test(arguments: [
    (DType.float32, DType.float64, DType.float64), (.int32, .int64, .int64), (.float32, .float32, .float32),
    (.int64, .int32, .int64),
  ]) func operandsArePromoted(_ x: DType, _ y: DType, _ expected: DType) {
    let sum = builder.input("x", x, [2]) + builder.input("y", y, [2])
    #expect(sum.type == TensorType(expected, [2]))
  }

  @Test(arguments: [(DType.float64, DType.int64), (.int32, .float32), (.bool, .int32), (.float32, .bool)])
  func dtypesThatDoNotMixAreRefused(_ x: DType, _ y: DType) {
    let sum = builder.input("x", x, [2]) + builder.input("y", y, [2])
    #expect(!sum.isValid)
    #expect(builder.firstError?.code == .dtypeMismatch)
    #expect(builder.firstError?.message.hasPrefix("{0} is \(x) and {1} is \(y); cast {") == true)
  }

  @Test(arguments: [DType.float64, .float32, .int64, .int32]) func aNumberTakesTheDTypeOfItsCompany(_ dtype: DType)
    throws
  {
    let x = builder.input("x", dtype, [2])
    #expect((x * 3).dtype == dtype)
    #expect((3 - x).dtype == dtype)
    try builder.graph(outputs: [x + 1]).validate()
  }

  @Test func numbersAloneTakeTheDefault() throws {
    let add = try #require(OpCatalog.operation(named: "add"))
    let numbers: [Operand] = [.weak(WeakNumber(1)), .weak(WeakNumber(2.5))]
    #expect(try builder.apply(add, numbers)[0].dtype == .float64)
    #expect(try builder.apply(add, numbers, defaultDType: .float32)[0].dtype == .float32)
  }

  /// A number rounds once, to the dtype it ends up with.
  @Test func numbersRoundOnce() throws {
    let number = WeakNumber(double: 0.1, float: 0.1.nextUp.isFinite ? Float(0.1).nextUp : 0, integer: nil)
    #expect(try number.scalar(as: .float32) == Scalar(Float(0.1).nextUp))
    #expect(try number.scalar(as: .float64) == Scalar(0.1))
    let large = WeakNumber(double: 0x1p62, float: 0x1p62, integer: (1 << 62) + 1)
    #expect(try large.scalar(as: .int64) == Scalar(Int64(1 << 62) + 1))
  }

  // MARK: Sizes

  @Test func sizesBeyondCountingAreRefused() throws {
    let huge = 1 << 40
    let x = builder.input("x", .float64, [1])
    #expect(x.broadcast(to: [huge]).isValid)
    _ = x.broadcast(to: [huge, 2])
    #expect(builder.firstError?.code == .limitExceeded)
    #expect(builder.firstError?.limit == .elements(huge))
    #expect(builder.firstError?.value == huge * 2)
  }

  @Test(arguments: [
    [Int.max], [Int.max, Int.max], [1 << 32, 1 << 32, 1 << 32], [0, Int.max], [Int.max, 0], [2, Int.max, 2],
  ])
  func sizesNeverOverflow(_ sizes: [Int]) throws {
    for name in ["broadcast_to", "reshape"] {
      let x = builder.input("x", .float64, [1])
      let error = #expect(throws: GraphError.self) {
        try builder.apply(#require(OpCatalog.operation(named: name)), [.value(x)], ["shape": .integers(sizes)])
      }
      #expect(error?.code == .limitExceeded)
      #expect(error?.place == .attribute("shape"))
    }
    _ = builder.input("y", .float64, Shape(sizes))
    #expect(builder.firstError?.code == .limitExceeded)
  }

  /// Each operand is small enough, what they broadcast to is not; nor is the product of tall and wide.
  @Test func resultsNeverOverflow() {
    let tall = builder.input("tall", .float64, [1 << 30, 1])
    let wide = builder.input("wide", .float64, [1, 1 << 30])
    #expect(!(tall + wide).isValid)
    #expect(builder.takeError()?.code == .limitExceeded)
    #expect(!tall.matmul(wide).isValid)
    #expect(builder.takeError()?.code == .limitExceeded)
    // Empty, yet the stack of results would have too many rows to count.
    let empty = builder.input("empty", .float64, [0, 1 << 30, 1, 1])
    #expect(!empty.matmul(wide).isValid)
    #expect(builder.takeError()?.code == .limitExceeded)
  }

  @Test func rankAboveEightIsRefused() {
    let x = builder.input("x", .float64, [1])
    #expect(x.reshape(1, 1, 1, 1, 1, 1, 1, 1).isValid)
    #expect(!x.reshape(1, 1, 1, 1, 1, 1, 1, 1, 1).isValid)
    #expect(builder.firstError?.code == .limitExceeded)
    #expect(builder.firstError?.limit == .rank(8))
    #expect(builder.firstError?.value == 9)
  }
}
