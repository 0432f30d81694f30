/// The names of a graph or a function, resolved before its nodes are emitted.
struct Scope {
  var names: NameTable
  /// The number of the first constant. Inputs come first, then constants, then results.
  let firstConstant: Int
  let firstResult: Int
  /// The position of its first result in the source.
  let results: Int
  /// The numbers of its outputs.
  var outputs: [Int] = []
  /// Whether a node uses a value, by name: two names of one value (through identity, or equal nodes) are distinguished.
  var isTaken: [Bool] = []
  /// Whether `grad` nodes differentiate with respect to it; empty if there are no such nodes.
  var isTarget: [Bool] = []
  /// The nodes in an order in which operands come first; nil if they were written in such an order.
  var order: [Int]?
  /// Number of nodes with all calls expanded.
  var size = 0

  func number(ofResult result: Int) -> Int { result - results + firstResult }

  /// The result in the source that a number stands for; nil for inputs and constants.
  func result(_ number: Int) -> Int? { number < firstResult ? nil : number - firstResult + results }
}
