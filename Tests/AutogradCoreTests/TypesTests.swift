import AutogradTestSupport
import Testing

@testable import AutogradCore

@Suite struct ShapeTests {
  @Test(
    arguments: [
      ([2, 3], [3], [2, 3]), ([2, 1], [1, 3], [2, 3]), ([], [2, 2], [2, 2]), ([0], [1], [0]), ([1], [0], [0]),
      ([], [], []),
      ([4, 1, 3], [2, 1], [4, 2, 3]), ([0, 1], [1, 0], [0, 0]),
    ] as [(Shape, Shape, Shape)])
  func broadcast(_ a: Shape, _ b: Shape, _ both: Shape) {
    #expect(Shape.broadcast(a, b) == both)
    #expect(Shape.broadcast(b, a) == both)
    #expect(a.broadcasts(to: both) && b.broadcasts(to: both))
  }

  @Test(arguments: [([2], [3]), ([2, 3], [2]), ([0], [2]), ([2, 2], [3, 1, 3])] as [(Shape, Shape)])
  func thatDoNotBroadcast(_ a: Shape, _ b: Shape) {
    #expect(Shape.broadcast(a, b) == nil)
    #expect(!a.broadcasts(to: b))
  }

  @Test func broadcastingIsOneWay() {
    #expect(!([2, 3] as Shape).broadcasts(to: [3]))
    #expect(!([2, 3] as Shape).broadcasts(to: [1, 3]))
  }

  @Test func countsAndStrides() {
    #expect(
      ([] as Shape).elementCount == 1 && ([2, 0, 3] as Shape).elementCount == 0
        && ([2, 3, 4] as Shape).elementCount == 24)
    #expect(([2, 3, 4] as Shape).rowMajorStrides == [12, 4, 1])
    #expect(([2, 0, 4] as Shape).rowMajorStrides == [4, 4, 1])
  }

  @Test func editing() {
    var shape: Shape = [2, 4]
    shape.insert(3, at: 1)
    shape.insert(1, at: 0)
    shape.append(5)
    #expect(shape == [1, 2, 3, 4, 5])
    shape.removeLast()
    #expect(shape == [1, 2, 3, 4] && shape.hashValue == ([1, 2, 3, 4] as Shape).hashValue)
    #expect(shape.axes(1..<3) == [2, 3])
    #expect(shape.description == "[1, 2, 3, 4]")
  }

  @Test func sizesFromOutsideAreChecked() throws {
    #expect(try Shape(checking: [2, 3]) == [2, 3])
    #expect(try Shape(checking: [1 << 40]).elementCount == 1 << 40)
    for (sizes, code) in [
      ([-1], .shapeMismatch), ([Int.min], .shapeMismatch), ([(1 << 40) + 1], .limitExceeded),
      ([0, Int.max, 3], .limitExceeded),
    ]
      as [([Int], GraphError.Code)]
    {
      #expect(#expect(throws: GraphError.self) { try Shape(checking: sizes) }?.code == code)
    }
    #expect(#expect(throws: GraphError.self) { try Shape(checking: Array(repeating: 1, count: 9)) }?.limit == .rank(8))
    // Nothing is nothing, however long another axis is; what is said of a shape beyond what can be counted is true of
    // it.
    for sizes in [[0, 1_099_511_627_777], [1_000_000, 0, 1_000_000, 100_000], [1 << 59, 0]] {
      #expect(try Shape(checking: sizes).elementCount == 0)
    }
    for shape in [[0, Int.max, 3], [0, (1 << 59) + 1], [1 << 40, 0, 1 << 40]] as [Shape] {
      let error = #expect(throws: GraphError.self) { try shape.checkSize() }
      #expect(error.map { String(describing: $0).contains("has no elements") } == true)
    }
    #expect(
      ([1 << 40, 1 << 40, 0] as Shape).elementCount == 0 && ([1 << 40, 1 << 40] as Shape).elementCount == Int.max)
  }

  @Test func axisSets() {
    #expect(AxisSet([2, 0, 2]).array == [0, 2])
    #expect(AxisSet(0..<8).bits == 255)
    #expect(AxisSet().isEmpty && !AxisSet([7]).contains(0) && !AxisSet(0..<8).contains(8))
  }
}

@Suite struct TensorTests {
  @Test func literals() {
    let matrix: Tensor = [[1, 2, 3], [4, 5, 6]]
    #expect(matrix.type == TensorType(.float64, [2, 3]))
    #expect(matrix.description == "[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]")
    #expect((2.5 as Tensor).description == "2.5")
    #expect(([] as Tensor).type == TensorType(.float64, [0]))
    #expect(([[], []] as Tensor).shape == [2, 0])
  }

  @Test(arguments: [([0], "[]"), ([2, 0], "[[], []]"), ([0, 2], "[]"), ([1, 1, 0], "[[[]]]")] as [(Shape, String)])
  func descriptionsOfNothing(_ shape: Shape, _ text: String) {
    #expect(Tensor([Double](), shape: shape).description == text)
  }

  @Test func elements() {
    #expect(Tensor([Float(0.5), -1]).values() == [Float(0.5), -1])
    #expect(Tensor([Float(0.5)]).values(as: Double.self) == nil)
    #expect(Tensor([true, false]).doubles == [1, 0])
    #expect(Tensor([Int64.max]).values() == [Int64.max])
    #expect(Tensor(repeating: Int32(3), shape: [2, 2]).description == "[[3, 3], [3, 3]]")
    #expect(Tensor([1.5, .nan, 1e30]).converted(to: .int32).values() == [Int32(1), 0, 0])
    #expect(Tensor([1.0, 2]).reshaped(to: [2, 1]).description == "[[1.0], [2.0]]")
    #expect(Tensor(Int32(258)).withUnsafeBytes { Array($0) } == [2, 1, 0, 0])
  }

  @Test func equality() {
    #expect([1, -0.0] as Tensor == [1, 0] as Tensor)
    #expect([1, 2] as Tensor != [1, 3] as Tensor)
    #expect([1, 2] as Tensor != [[1, 2]] as Tensor)
    #expect(Tensor([Float(1)]) != Tensor([1.0]))
    #expect(Tensor(Double.nan) != Tensor(Double.nan))
    #expect(Tensor([Int64.max]) != Tensor([Int64.max - 1]))
    #expect(Tensor([true]) == Tensor([true]) && Tensor([Int32(1)]) == Tensor([Int32(1)]))
    #expect(Tensor([Float](), shape: [0, 2]) != Tensor([Float](), shape: [0, 3]))
  }

  @Test func map() {
    #expect(([1, 4] as Tensor).map { $0.squareRoot() } == [1, 2])
    #expect(Tensor([Int32(1), 4], shape: [2, 1]).map { $0 / 2 } == Tensor([Int32(0), 2], shape: [2, 1]))
  }

  @Test func storageIsAligned() {
    for count in [0, 1, 7, 1000] {
      #expect(Int(bitPattern: Tensor(repeating: Float(1), shape: [count]).storage.base) % 64 == 0)
    }
  }

  @Test(arguments: [Scalar(-0.0), Scalar(Float.infinity), Scalar(Int64.min), Scalar(Int32(-7)), Scalar(true)])
  func scalarsRoundTrip(_ scalar: Scalar) {
    #expect(Scalar(of: scalar.tensor) == scalar)
    #expect(scalar.tensor.description == scalar.description)
  }

  @Test func smallIntegersFitEveryDType() {
    for dtype in DType.allCases { #expect(Scalar(1, as: dtype).tensor.doubles == [1]) }
    #expect(Scalar(-3, as: .float32) == Scalar(Float(-3)))
  }

  @Test func dtypesHaveNames() {
    for dtype in DType.allCases { #expect(DType(name: dtype.name) == dtype) }
    #expect(DType(name: "float16") == nil)
    #expect(DType.allCases.map(\.byteWidth) == [8, 4, 8, 4, 1])
  }
}

@Suite struct CatalogTests {
  @Test func operationsOfTheFirstTier() {
    let names: Set = [
      "identity", "constant", "neg", "add", "sub", "mul", "div", "reshape", "transpose", "broadcast_to", "cast", "sum",
      "matmul", "split",
      "slice",
    ]
    #expect(names.isSubset(of: OpCatalog.operations.map(\.reference.name)))
    for name in names { #expect(OpCatalog.operation(named: name)?.reference.name == name) }
    #expect(OpCatalog.operation(named: "Add") == nil)
  }

  @Test(
    arguments: [
      ("multiply", ["mul"]), ("subtract", ["sub"]), ("negative", ["neg"]), ("Dot", ["matmul"]), ("separate", ["split"]),
      ("@", ["matmul"]),
      ("+", ["add"]), ("MatMul", ["matmul"]), ("minus", ["sub", "neg"]), ("mull", ["mul"]), ("tranpose", ["transpose"]),
      ("sliec", ["slice"]),
      ("", []), ("§", []), ("zzzzzzzz", []),
    ] as [(String, [String])])
  func suggestions(_ wrong: String, _ right: [String]) { #expect(OpCatalog.suggestions(for: wrong) == right) }

  @Test func nearestNames() {
    #expect(NearestNames.find("ad", among: ["add", "and", "sub"]) == ["add", "and"])
    #expect(NearestNames.find("x", among: ["y", "a", "b", "c"]).isEmpty)
    #expect(NearestNames.find("weights", among: ["weihgts", "weight", "bias"]) == ["weight", "weihgts"])
    #expect(
      NearestNames.find(String(repeating: "a", count: 100_000), among: [String(repeating: "a", count: 64)]).count == 1)
    #expect(NearestNames.editDistance(Array("abcd".utf8), Array("acbd".utf8)) == 1)
    #expect(NearestNames.editDistance([], Array("abc".utf8)) == 3)
  }
}
