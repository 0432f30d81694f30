import AutogradTestSupport
import CKernels
import Testing

@testable import AutogradCore

/// Sorting, selection by rank and bisection against the standard library's sort, on lines with ties and special values.
@Suite struct SelectionTests {
  private static let kinds = ["random", "ties", "special", "steps", "huge range", "equal"]

  private func line(_ kind: String, _ count: Int, _ random: inout SeededGenerator) -> [Double] {
    let special = [0, -0.0, .nan, -.nan, .infinity, -.infinity, Double(Float.leastNonzeroMagnitude), 1]
    return (0..<count).map { place in
      let x = Double.random(in: -1...1, using: &random)
      return switch kind {
      case "ties": (x * 4).rounded()
      case "special": special[Int(random.next() % 8)]
      case "steps": Double(place / 3 - count / 6)
      case "huge range": x.sign == .plus ? 1e30 * x : 1e-30 * x
      case "equal": 2
      default: x
      }
    }
  }

  /// NaN last, equals in the order of their places.
  private func order(_ x: [Double]) -> [Int64] {
    x.indices.sorted { a, b in
      x[a] < x[b] || (!x[a].isNaN && x[b].isNaN) || (!(x[b] < x[a] || (x[a].isNaN && !x[b].isNaN)) && a < b)
    }.map { Int64($0) }
  }

  private func tensor(_ x: [Double], _ dtype: DType) -> Tensor {
    switch dtype {
    case .float64: Tensor(x)
    case .float32: Tensor(x.map { Float($0) })
    case .int64: Tensor(x.map { Int64(exactly: $0.rounded()) ?? .max })
    default: Tensor(x.map { Int32(exactly: $0.rounded()) ?? .min })
    }
  }

  @Test(arguments: kinds, DType.allCases.filter(\.isNumeric))
  func kernelsSortAndSelect(_ kind: String, _ dtype: DType) throws {
    var random = SeededGenerator(seed: 21)
    for count in [1, 2, 31, 33, 300, 5000] {
      let x = tensor(line(kind, count, &random), dtype)
      // Every number here is a double, but for Int64.max, which is one kind of element.
      let expected = order(x.doubles)
      let ranks = [0, count / 3, count / 3, count / 2, count - 1].map { Int64($0) }
      for table in Kernels.all {
        let type = Int32(dtype.rawValue)
        var places = [Int64](repeating: -1, count: count)
        var scratch = [Int64](repeating: 0, count: 4 * count + ranks.count)
        ck_scan(table, Int32(CK_ARGSORT.rawValue), type)?(
          count, &places, 1, x.storage.base, 1, &scratch, 1, nil)
        #expect(places == expected, "\(kind) \(dtype) \(count)")
        var chosen = [Int64](repeating: -1, count: ranks.count)
        scratch.replaceSubrange(0..<ranks.count, with: ranks)
        ck_scan(table, Int32(CK_ARGSELECT.rawValue), type)?(
          count, &chosen, 1, x.storage.base, 1, &scratch, ranks.count, nil)
        #expect(chosen == ranks.map { expected[Int($0)] }, "\(kind) \(dtype) \(count)")
      }
    }
  }

  /// Along an axis that is not the last one, so that lines have strides.
  @Test(arguments: kinds) func operationsSelect(_ kind: String) throws {
    var random = SeededGenerator(seed: 22)
    let lines = (0..<3).map { _ in line(kind, 200, &random) }
    let x = Tensor((0..<200).flatMap { place in lines.map { $0[place] } }, shape: [200, 3])
    let orders = lines.map(order)
    func ranked(_ rank: Int) -> [Double] { zip(lines, orders).map { $0[Int($1[rank])] } }
    let kth = try OperationRunner("kthvalue", [x], ["k": .integer(51), "axis": .integer(0)], results: 2)
    #expect(agree(try kth.values(), ranked(50), within: 0))
    #expect(try kth.values(1) == orders.map { Double($0[50]) })
    let top = try OperationRunner("top_k", [x], ["k": .integer(7), "axis": .integer(0)], results: 2)
    #expect(agree(try top.values(), (0..<7).flatMap { ranked(199 - $0) }, within: 0))
    // Of ties the first place comes first.
    let whole = try OperationRunner("top_k", [x], ["k": .integer(200), "axis": .integer(0)], results: 2)
    #expect(try top.values(1) == Array(whole.values(1).prefix(21)))
    let hasNaN = lines.map { $0.contains(where: \.isNaN) }
    let fractions = [0.75, 0, 0.25, 0.75]
    let quantiles = try OperationRunner(
      "quantile", [x], ["q": .numbers(fractions), "axis": .integer(0), "method": .text("lower")])
    let expected = fractions.flatMap { fraction in
      zip(ranked(Int(199 * fraction)), hasNaN).map { $1 ? Double.nan : $0 }
    }
    #expect(agree(try quantiles.values(), expected, within: 0))
  }

  /// Nothing as long as what is asked for is made before the limits are looked at.
  @Test func moreThanThereIsRoomFor() throws {
    let builder = GraphBuilder()
    builder.maximumElements = 1 << 20
    let x = builder.variable(Tensor([1.0, 2.0])).sum().broadcast(to: [1 << 20])
    let operation = try #require(OpCatalog.operation(named: "top_k"))
    let results = try builder.apply(operation, [.value(x)], ["k": .integer(1 << 19)], resultCount: 2)
    #expect(results[0].shape == [1 << 19])
    #expect(builder.columns.tensors.allSatisfy { $0.elementCount < 5000 })
  }

  @Test(arguments: ["left", "right"]) func bisection(_ side: String) throws {
    var random = SeededGenerator(seed: 23)
    for (kind, count) in [("random", 0), ("ties", 1), ("special", 100), ("steps", 257), ("random", 1000)] {
      let unsorted = line(kind, count, &random)
      let sorted = order(unsorted).map { unsorted[Int($0)] }
      let values = line(kind, 40, &random) + Array(sorted.prefix(40))
      let expected = values.map { value in
        Double(
          sorted.count { element in
            let isBelow = element < value || (value.isNaN && !element.isNaN)
            return isBelow || (side == "right" && (element == value || (element.isNaN && value.isNaN)))
          })
      }
      // The line strided, as a column, and the values in two rows.
      let attributes = ["side": AttributeValue.text(side)]
      let flat = try OperationRunner("searchsorted", [Tensor(sorted), Tensor(values)], attributes)
      #expect(try flat.values() == expected, "\(kind) \(count)")
      let builder = GraphBuilder()
      let column = builder.variable(Tensor(sorted.flatMap { [$0, 7] }, shape: [count, 2]))
      let lines = column.transpose()
      let both = builder.variable(Tensor(values + values, shape: [2, values.count]))
      let operation = try #require(OpCatalog.operation(named: "searchsorted"))
      let result = try builder.apply(operation, [.value(lines), .value(both)], attributes, resultCount: 1)[0]
      let ofSevens = values.map { $0.isNaN || $0 > 7 || (side == "right" && $0 == 7) ? Double(count) : 0 }
      #expect(try result.evaluate().doubles == expected + ofSevens, "\(kind) \(count)")
    }
  }
}

/// Products are made in plain arithmetic where it does, and beside an exponent where it does not: here it does not,
/// and all numbers are powers of two, so that results are exact.
@Suite struct ProductRangeTests {
  private func check(_ factors: [Double], _ product: Double, _ gradient: [Double]) throws {
    let run = try OperationRunner("prod", [Tensor(factors)])
    #expect(try run.values() == [product] && run.gradient() == gradient)
    let narrow = try OperationRunner("prod", [Tensor(factors.map { Float($0) })])
    #expect(try narrow.values() == [product] && narrow.gradient() == gradient)
    if factors.count > 5000 { return }
    // As columns, as many as are worked off together, and one more.
    let columns = Tensor(factors.flatMap { [Double](repeating: $0, count: 33) }, shape: [factors.count, 33])
    let products = try OperationRunner("prod", [columns], ["axis": .integer(0)])
    #expect(try products.values() == [Double](repeating: product, count: 33))
  }

  @Test(arguments: [20, 700, 40_000]) func factorsOutweighEachOther(_ count: Int) throws {
    for size in [0x1p3, 0x1p100, 0x1p-60] {
      let large = [Double](repeating: size, count: count)
      let small = [Double](repeating: 1 / size, count: count)
      try check(large + small, 1, small + large)
      try check([-1] + small + large, -1, [1] + large.map { -$0 } + small.map { -$0 })
    }
  }

  /// A few factors that are not in range among many that are.
  @Test func zerosAmongMany() throws {
    var factors = [Double](repeating: 1, count: 1000)
    factors[517] = 0
    var gradient = [Double](repeating: 0, count: 1000)
    gradient[517] = 1
    try check(factors, 0, gradient)
    factors[20] = 0
    try check(factors, 0, [Double](repeating: 0, count: 1000))
    factors[517] = .infinity
    let run = try OperationRunner("prod", [Tensor(factors)])
    #expect(try run.values()[0].isNaN && run.gradient()[20] == .infinity && run.gradient()[0].isNaN)
  }
}
