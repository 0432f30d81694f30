/// What is known of a graph or a function before its nodes are emitted.
struct Scope {
  var names: NameTable
  /// The numbers of its inputs come first, then those of its constants, then those of its results.
  let firstConstant: Int
  let firstResult: Int
  /// The first of its results in the source.
  let results: Int
  /// The numbers of its outputs.
  var outputs: [Int] = []
  /// Whether some node takes a value, by its name: two names of one value (through identity, or equal nodes) are taken
  /// apart.
  var isTaken: [Bool] = []
  /// Whether `grad` nodes differentiate by it; empty where there are none.
  var isTarget: [Bool] = []
  /// Nodes so that each follows those it takes; nil where they were written so.
  var order: [Int]?
  /// How many nodes it has with all calls put in place.
  var size = 0

  func number(ofResult result: Int) -> Int { result - results + firstResult }

  /// The result in the source that a number stands for; nil for inputs and constants.
  func result(_ number: Int) -> Int? { number < firstResult ? nil : number - firstResult + results }
}
