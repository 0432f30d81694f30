/// In which order the operands of an einsum are multiplied, two at a time.
///
/// Of up to 10 operands all orders are compared, by dynamic programming over their subsets, and the one of the least
/// work is taken among those whose products stay within the limit of axes. Of more, the pair is taken whose product is
/// smallest beside its factors, as opt_einsum's greedy path does; if that leads to where only too large products are
/// left, other choices of pairs are tried.
struct EinsumPath {
  /// Two factors and the labels of their product that are asked for later. Operands are numbered from 0, products
  /// follow them.
  struct Step {
    var left: Int
    var right: Int
    var kept: UInt64
  }

  /// All orders of so many operands are some 30,000 products to look at.
  private static let mostCompared = 10
  /// Of so many all orders are looked at where nothing else leads to one: some 300,000 products.
  private static let mostComparedAtLast = 12

  /// A bit for each label.
  private let terms: [UInt64]
  private let output: UInt64
  /// The sizes of labels by their bits.
  private let sizes: [Double]
  private let mostAxes: Int

  init(terms: [UInt64], output: UInt64, sizes: [Int], mostAxes: Int) {
    self.terms = terms
    self.output = output
    self.sizes = sizes.map(Double.init)
    self.mostAxes = mostAxes
  }

  /// - Returns: nil if every order has a product of too many axes.
  func steps() -> [Step]? {
    if terms.count <= EinsumPath.mostCompared { return best() }
    if let steps = greedy({ $2 - $0 - $1 }) ?? greedy({ _, _, product in product }) ?? greedy({ _, _, _ in 0 }) {
      return steps
    }
    return terms.count <= EinsumPath.mostComparedAtLast ? best() : nil
  }

  /// The product of the sizes of labels.
  private func elements(_ labels: UInt64) -> Double {
    var product = 1.0
    var rest = labels
    while rest != 0 {
      product *= sizes[rest.trailingZeroBitCount]
      rest &= rest - 1
    }
    return product
  }

  // MARK: All orders

  private func best() -> [Step]? {
    let all = 1 << terms.count - 1
    guard terms.count > 1 else { return [] }
    // The labels of all operands in a subset; then those of its product.
    var unions = [UInt64](repeating: 0, count: all + 1)
    for subset in 1...all { unions[subset] = unions[subset & (subset - 1)] | terms[subset.trailingZeroBitCount] }
    let kept = (0...all).map { unions[$0] & (output | unions[all ^ $0]) }
    var work = [Double](repeating: 0, count: all + 1)
    // The part that holds the first operand of a subset, where there is an order at all.
    var halves = [Int](repeating: 0, count: all + 1)
    for subset in 1...all where subset & (subset - 1) != 0 && kept[subset].nonzeroBitCount <= mostAxes {
      let first = subset & -subset
      let others = subset ^ first
      // From the largest part down, so that of equal orders the one from left to right is taken.
      var rest = others
      while rest != 0 {
        rest = (rest - 1) & others
        let (left, right) = (first | rest, others ^ rest)
        guard isReachable(left, halves), isReachable(right, halves) else { continue }
        let sum = work[left] + work[right]
        if halves[subset] != 0 && sum >= work[subset] { continue }
        let total = sum + elements(kept[left] | kept[right])
        if halves[subset] == 0 || total < work[subset] { (work[subset], halves[subset]) = (total, left) }
      }
    }
    guard halves[all] != 0 else { return nil }
    var steps: [Step] = []
    _ = append(all, halves, kept, &steps)
    return steps
  }

  private func isReachable(_ subset: Int, _ halves: [Int]) -> Bool { subset & (subset - 1) == 0 || halves[subset] != 0 }

  /// - Returns: the number of the subset's product. Goes no deeper than there are operands.
  private func append(_ subset: Int, _ halves: [Int], _ kept: [UInt64], _ steps: inout [Step]) -> Int {
    if subset & (subset - 1) == 0 { return subset.trailingZeroBitCount }
    let left = append(halves[subset], halves, kept, &steps)
    let right = append(subset ^ halves[subset], halves, kept, &steps)
    steps.append(Step(left: left, right: right, kept: kept[subset]))
    return terms.count + steps.count - 1
  }

  // MARK: Pair by pair

  /// A factor that is not yet multiplied.
  private struct Factor {
    var number: Int
    var labels: UInt64
    var elements: Double
  }

  /// - Parameter cost: of a pair, by the elements of both factors and of the product; of equal ones that of less work
  ///   is taken.
  private func greedy(_ cost: (Double, Double, Double) -> Double) -> [Step]? {
    // How many factors have a label; the result counts as one.
    var uses = [Int](repeating: 0, count: sizes.count)
    for labels in terms + [output] { count(labels, 1, &uses) }
    var factors = terms.enumerated().map { Factor(number: $0, labels: $1, elements: elements($1)) }
    var pairs: [(cost: Double, work: Double)?] = []
    /// The row of pairs with one factor, in which those before it are left out.
    func price(_ first: Int, _ second: Int) -> (cost: Double, work: Double)? {
      let (left, right) = (factors[first], factors[second])
      let kept = product(left.labels, right.labels, uses)
      guard kept.nonzeroBitCount <= mostAxes else { return nil }
      return (cost(left.elements, right.elements, elements(kept)), elements(left.labels | right.labels))
    }
    let count = factors.count
    pairs = Array(repeating: nil, count: count * count)
    for first in 0..<count {
      for second in (first + 1)..<count { pairs[first * count + second] = price(first, second) }
    }
    var alive = Array(0..<count)
    // For each factor the best of those behind it, so that a step looks at one pair a factor instead of at all.
    var rows: [(second: Int, price: (cost: Double, work: Double))?] = Array(repeating: nil, count: count)
    func best(of first: Int) -> (second: Int, price: (cost: Double, work: Double))? {
      var best: (second: Int, price: (cost: Double, work: Double))?
      for second in alive where second > first {
        guard let price = pairs[first * count + second] else { continue }
        if let known = best?.price, known <= price { continue }
        best = (second, price)
      }
      return best
    }
    for first in alive { rows[first] = best(of: first) }
    var steps: [Step] = []
    while alive.count > 1 {
      var found: (first: Int, second: Int, price: (cost: Double, work: Double))?
      for first in alive {
        guard let row = rows[first] else { continue }
        if let known = found?.price, known <= row.price { continue }
        found = (first, row.second, row.price)
      }
      guard let (first, second, _) = found else { return nil }
      let (left, right) = (factors[first], factors[second])
      let kept = product(left.labels, right.labels, uses)
      self.count(left.labels, -1, &uses)
      self.count(right.labels, -1, &uses)
      self.count(kept, 1, &uses)
      steps.append(Step(left: left.number, right: right.number, kept: kept))
      factors[first] = Factor(number: terms.count + steps.count - 1, labels: kept, elements: elements(kept))
      alive.removeAll { $0 == second }
      // Labels that two factors had and one has now may be summed over sooner, but only by pairs with the product.
      for other in alive where other != first {
        pairs[min(first, other) * count + max(first, other)] = price(min(first, other), max(first, other))
      }
      for row in alive where row < second {
        let known = rows[row]
        if row == first || known?.second == first || known?.second == second {
          rows[row] = best(of: row)
        } else if row < first, let price = pairs[row * count + first] {
          let isBetter = known.map { price < $0.price || (price == $0.price && first < $0.second) } ?? true
          if isBetter { rows[row] = (first, price) }
        }
      }
    }
    return steps
  }

  private func count(_ labels: UInt64, _ change: Int, _ uses: inout [Int]) {
    var rest = labels
    while rest != 0 {
      uses[rest.trailingZeroBitCount] += change
      rest &= rest - 1
    }
  }

  /// The labels of a product that anything else asks for.
  private func product(_ left: UInt64, _ right: UInt64, _ uses: [Int]) -> UInt64 {
    var kept: UInt64 = 0
    var rest = left | right
    while rest != 0 {
      let bit = rest & (~rest + 1)
      let own = (left & bit == 0 ? 0 : 1) + (right & bit == 0 ? 0 : 1)
      if uses[bit.trailingZeroBitCount] > own { kept |= bit }
      rest &= rest - 1
    }
    return kept
  }
}
