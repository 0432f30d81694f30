import AutogradCore
import AutogradFormats

/// A graph or a function of a formula while it is read. Functions stand between the statements of the graph, so each
/// has columns of its own; ``FormulaLayout`` joins them.
struct FormulaDraft {
  var name = SourceName(UnsafeRawBufferPointer(start: nil, count: 0))
  var place = 0
  var nodes: [Node] = []
  var operands: [GraphSource.Operand] = []
  /// Where each operand stands in the text.
  var operandSpans: [Range<Int>] = []
  var results: [SourceName] = []
  var resultPlaces: [Int] = []
  var inputs: [Input] = []
  var constants: [(name: SourceName, literal: Int, place: Int)] = []
  /// Nil if nothing is returned.
  var outputs: [(name: SourceName, place: Int)]?
  /// The names so far, numbered, and what is known of each.
  var names = NameTable()
  var known: [Known] = []
  /// How many values have no name.
  var namelessCount = 0

  struct Node {
    var operation: any Operation
    var operands: Range<Int>
    /// Empty while it is open which names the results get.
    var results: Range<Int>
    /// The literal that holds its attributes, and where their names stand.
    var attributes: Int?
    /// The literal that a `constant` node holds.
    var value: Int?
    var attributePlaces: [(name: String, place: Int)] = []
    /// Its operator or name.
    var place: Int
  }

  struct Input {
    var declaration: InputDeclaration
    var literal: Int?
    var place: Int
  }

  struct Known {
    var kind: Kind
    var place: Int
    /// Whether a node takes it.
    var isTaken = false

    enum Kind { case used, input, constant, value }
  }

  /// Notes that a name is used. Uses are noted when nodes are made, which is not the order of the text.
  mutating func use(_ name: SourceName, at place: Int, isTaken: Bool = true) {
    if let number = names[name] {
      if isTaken { known[number].isTaken = true }
      if known[number].kind == .used { known[number].place = min(known[number].place, place) }
    } else {
      _ = names.define(name)
      known.append(Known(kind: .used, place: place, isTaken: isTaken))
    }
  }

  /// The names that are used and never defined, in the order of their first use.
  var free: [SourceName] {
    known.indices.filter { known[$0].kind == .used }.sorted { known[$0].place < known[$1].place }.map(names.name)
  }
}
