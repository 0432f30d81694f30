import AutogradTestSupport
import Testing

@testable import AutogradCore

/// Orders of multiplication of einsum: within the limit of axes, of the least work, and found in bounded time.
@Suite struct EinsumPathTests {
  /// An equation with the sizes of its letters.
  private struct Network {
    var terms: [[Character]]
    var output: [Character]
    var sizes: [Character: Int]

    var equation: String { terms.map { String($0) }.joined(separator: ",") + "->" + String(output) }
    var shapes: [Shape] { terms.map { Shape($0.map { sizes[$0] ?? 1 }) } }

    /// Tensors that share letters two by two and now and then three by three; some letters are free.
    init(random: inout SeededGenerator, operands: Int) {
      let letters = Array("abcdefghijklmnopqrstuvwxyz").prefix(operands * 2 + 2)
      terms = Array(repeating: [], count: operands)
      output = []
      sizes = [:]
      for letter in letters {
        sizes[letter] = random.int(1...3)
        let owners = Set((0..<random.int(1...3)).map { _ in random.int(0...(operands - 1)) })
        for owner in owners where terms[owner].count < 6 { terms[owner].append(letter) }
        let isUsed = terms.contains { $0.contains(letter) }
        if isUsed && output.count < 5 && random.chance(0.3) { output.append(letter) }
      }
    }

    /// By the definition: a sum over all values of all letters.
    func brute(_ inputs: [Tensor]) -> [Double] {
      let letters = sizes.keys.filter { letter in terms.contains { $0.contains(letter) } }.sorted()
      let shape = output.map { sizes[$0] ?? 1 }
      var result = [Double](repeating: 0, count: shape.reduce(1, *))
      let values = inputs.map(\.doubles)
      var position = [Int](repeating: 0, count: letters.count)
      func offset(_ term: [Character]) -> Int {
        term.reduce(0) { $0 * (sizes[$1] ?? 1) + position[letters.firstIndex(of: $1) ?? 0] }
      }
      while true {
        result[offset(output)] += zip(values, terms).reduce(1) { $0 * $1.0[offset($1.1)] }
        var axis = letters.count - 1
        while axis >= 0 {
          position[axis] += 1
          if position[axis] < sizes[letters[axis]] ?? 1 { break }
          position[axis] = 0
          axis -= 1
        }
        if axis < 0 { return result }
      }
    }
  }

  private func result(_ network: Network, _ random: inout SeededGenerator) throws -> (
    actual: [Double], inputs: [Tensor]
  ) {
    let builder = GraphBuilder()
    let inputs = network.shapes.map { Tensor.random(TensorType(.float64, $0), using: &random) }
    let operands = inputs.enumerated().map { Operand.value(builder.input("x\($0)", .float64, $1.shape)) }
    let values = try builder.apply(EinsumOperation(), operands, ["equation": .text(network.equation)], resultCount: 1)
    return (try Plan(builder.graph(outputs: values)).run(inputs)[0].doubles, inputs)
  }

  @Test func randomNetworks() throws {
    var random = SeededGenerator(seed: 14)
    for _ in 0..<500 {
      let network = Network(random: &random, operands: random.int(2...5))
      let (actual, inputs) = try result(network, &random)
      let expected = network.brute(inputs)
      let scale = expected.reduce(1) { max($0, abs($1)) }
      let isClose = zip(actual, expected).allSatisfy { abs($0 - $1) <= 1e-11 * scale }
      #expect(actual.count == expected.count && isClose, "\(network.equation)")
    }
  }

  private func path(_ equation: String, mostAxes: Int = 8, size: Int = 2) -> [EinsumPath.Step]? {
    let sides = equation.split(separator: ">", omittingEmptySubsequences: false)
    let letters = Set(equation.filter(\.isLetter)).sorted()
    func mask(_ term: Substring) -> UInt64 {
      term.reduce(0) { bits, letter in bits | (letters.firstIndex(of: letter).map { 1 << UInt64($0) } ?? 0) }
    }
    let terms = sides[0].dropLast().split(separator: ",", omittingEmptySubsequences: false).map(mask)
    return EinsumPath(terms: terms, output: mask(sides[1]), sizes: letters.map { _ in size }, mostAxes: mostAxes)
      .steps()
  }

  /// Looking at work alone this was refused for a product of nine axes.
  @Test func ordersBeyondTheLimitAreNotTaken() throws {
    let steps = try #require(path("gkdhc,hkgbajif,feji->ebdca"))
    #expect(steps.allSatisfy { $0.kept.nonzeroBitCount <= 8 })
    let shapes: [Shape] = [[2, 2, 2, 2, 2], [2, 2, 2, 2, 2, 2, 2, 2], [2, 2, 2, 2]]
    let builder = GraphBuilder()
    let operands = shapes.enumerated().map { Operand.value(builder.input("x\($0)", .float64, $1)) }
    let values = try builder.apply(
      EinsumOperation(), operands, ["equation": .text("gkdhc,hkgbajif,feji->ebdca")], resultCount: 1)
    let plan = try Plan(builder.graph(outputs: values))
    let ones = try plan.run(shapes.map { Tensor(repeating: 1.0, shape: $0) })[0]
    // Six letters are summed over, each of size 2.
    #expect(ones.shape == [2, 2, 2, 2, 2] && ones.doubles.allSatisfy { $0 == 64 })
  }

  /// Four tensors of eight axes, of which no two share more than three: every product of two has at least ten.
  @Test func whatHasNoOrderSaysSo() throws {
    let equation = "abcdefgh,abcijklm,defijnop,ghklmnop->"
    #expect(path(equation) == nil)
    #expect(path(equation, mostAxes: 10) != nil)
    let builder = GraphBuilder()
    let operands = (0..<4).map { Operand.value(builder.input("x\($0)", .float64, Shape(repeating: 2, rank: 8))) }
    do {
      _ = try builder.apply(EinsumOperation(), operands, ["equation": .text(equation)], resultCount: 1)
      Issue.record("an order was found")
    } catch {
      #expect(error.code == .limitExceeded && error.operation == "einsum" && error.message.contains("more than 8 axes"))
    }
  }

  /// A chain of matrices of which the last is a column: from the right, though from the left is as it is written.
  @Test func theLeastWorkIsTaken() throws {
    let chain = EinsumPath(terms: [0b011, 0b110, 0b1100], output: 0b1001, sizes: [50, 50, 50, 1], mostAxes: 8)
    let steps = try #require(chain.steps())
    #expect(steps[0].left == 1 && steps[0].right == 2)
  }

  /// All that is allowed, with a letter in every operand, in a debug build.
  @Test func manyOperandsTakeBoundedTime() {
    let clock = ContinuousClock()
    for equation in [
      Array(repeating: "i", count: 256).joined(separator: ",") + "->i",
      (0..<256).map { $0 % 2 == 0 ? "ij" : "jk" }.joined(separator: ",") + "->ik",
    ] {
      let time = clock.measure { #expect(path(equation)?.count == 255) }
      #expect(time < .seconds(60), "\(time)")
    }
  }

  /// Beyond ten operands pairs are chosen one after the other; they find an order for rings and trees.
  @Test func longNetworks() {
    let letters = Array("abcdefghijklmnopqrstuvwxyz")
    let ring = (0..<20).map { "\(letters[$0])\(letters[($0 + 1) % 20])" }.joined(separator: ",") + "->"
    #expect(path(ring)?.allSatisfy { $0.kept.nonzeroBitCount <= 2 } == true)
    let star = (0..<20).map { "z\(letters[$0])" }.joined(separator: ",") + "->"
    #expect(path(star)?.count == 19)
  }
}
