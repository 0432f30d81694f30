import AutogradCore
import AutogradFormats

/// What only the reader of a source knows: places, how things were written, and numbers whose dtype was open. It is
/// asked for places only after an error, so they cost nothing otherwise.
package protocol SourceText: AnyObject {
  /// The error with the place of the part put in front of its own.
  func located(_ error: FormatError, at part: SourcePart) -> FormatError

  /// A node's operands in errors: names, and numbers as written.
  func operandTexts(of node: Int) -> [String]

  /// The numbers of an operand ``GraphSource/Operand/literal(_:)``.
  func tensor(_ literal: Int, as dtype: DType) throws(FormatError) -> Tensor
}

/// A part of a source. Numbers are positions in the columns of ``GraphSource``.
package enum SourcePart {
  /// 0 is the graph, the others are functions.
  case body(Int)
  case input(Int)
  /// The whole declaration of an input, of which ``input(_:)`` is the name.
  case declaration(Int)
  /// An input of the graph that is not declared.
  case given(SourceName)
  case constant(Int)
  case output(Int)
  case node(Int)
  case operation(ofNode: Int)
  case operands(ofNode: Int)
  /// An operand, counted from the node's first.
  case operand(Int, ofNode: Int)
  case results(ofNode: Int)
  case result(Int, ofNode: Int)
  case attributes(ofNode: Int)
  case attribute(String, ofNode: Int)
}
