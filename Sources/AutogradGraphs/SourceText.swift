import AutogradCore
import AutogradFormats

/// What only the reader of a source knows: where things stand, how they were written, and numbers whose dtype was open.
/// Asked for places only when there is an error, so that they cost nothing when all is well.
package protocol SourceText: AnyObject {
  /// The error with the place of a part added: the part's own, and behind it that of the error within the part.
  func located(_ error: FormatError, at part: SourcePart) -> FormatError

  /// What a node's operands are called in errors: names, and numbers as written.
  func operandTexts(of node: Int) -> [String]

  /// The numbers of an operand ``GraphSource/Operand/literal(_:)``.
  func tensor(_ literal: Int, as dtype: DType) throws(FormatError) -> Tensor
}

/// A part of a source. Numbers are positions in the columns of ``GraphSource``.
package enum SourcePart {
  /// 0 is the graph, others are functions.
  case body(Int)
  case input(Int)
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
