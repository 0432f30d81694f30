import Testing

@testable import AutogradCore

/// What every mistake is called, where it is said to be, and what the reader is told.
@Suite struct GraphErrorTests {
  /// A use of an operation that is refused.
  struct Refusal: Sendable, CustomTestStringConvertible {
    var name: String
    var operands: [Given]
    var attributes: [String: AttributeValue] = [:]
    var results = 1
    var code: GraphError.Code
    var place: GraphError.Place
    var text: String

    enum Given: Sendable {
      case tensor(DType, Shape)
      case number(Double)
    }

    var testDescription: String { text }
  }

  private static let f = DType.float64

  static let arity: [Refusal] = [
    Refusal(
      name: "add", operands: [.tensor(f, [2])], code: .wrongArity, place: .operands,
      text: "add: takes 2 inputs (x, y), got 1"),
    Refusal(name: "neg", operands: [], code: .wrongArity, place: .operands, text: "neg: takes 1 input (x), got 0"),
    Refusal(
      name: "constant", operands: [.number(1)], attributes: ["value": .tensor(1)], code: .wrongArity, place: .operands,
      text: "constant: takes 0 inputs (), got 1; value is given in attributes"),
    Refusal(
      name: "neg", operands: [.tensor(f, [2])], results: 2, code: .wrongArity, place: .results,
      text: "neg: yields 1 output (y); outputs has 2 names"),
    Refusal(
      name: "split", operands: [.tensor(f, [2])], results: 0, code: .wrongArity, place: .results,
      text: "split: yields at least 1 output; outputs has 0 names"),
    Refusal(
      name: "split", operands: [.tensor(f, [4])], attributes: ["splits": .integers([1, 3])], results: 3,
      code: .wrongArity, place: .results,
      text: "split: splits [1, 3] make 2 parts; outputs has 3 names"),
    Refusal(
      name: "split", operands: [.tensor(f, [4])], attributes: ["splits": .integer(2)], results: 4, code: .wrongArity,
      place: .results,
      text: "split: splits 2 makes 2 parts; outputs has 4 names"),
  ]

  static let shapes: [Refusal] = [
    Refusal(
      name: "add", operands: [.tensor(f, [2, 3]), .tensor(f, [4])], code: .shapeMismatch, place: .operand(1),
      text: "add: shapes do not broadcast: operand 0 is [2, 3], operand 1 is [4]"),
    Refusal(
      name: "matmul", operands: [.tensor(f, [2, 3]), .tensor(f, [4, 5])], code: .shapeMismatch, place: .operand(1),
      text: "matmul: inner sizes differ: operand 0 is [2, 3], operand 1 is [4, 5]"),
    Refusal(
      name: "matmul", operands: [.tensor(f, [2, 2, 3]), .tensor(f, [5, 3, 1])], code: .shapeMismatch,
      place: .operand(1),
      text: "matmul: leading axes do not broadcast: operand 0 is [2, 2, 3], operand 1 is [5, 3, 1]"),
    Refusal(
      name: "matmul", operands: [.tensor(f, [2]), .tensor(f, [])], code: .shapeMismatch, place: .operand(1),
      text: "matmul: operand 1 is a scalar; matmul takes vectors and matrices, use mul to scale"),
    Refusal(
      name: "reshape", operands: [.tensor(f, [2, 3])], attributes: ["shape": .integers([4])], code: .shapeMismatch,
      place: .attribute("shape"),
      text: "reshape: operand 0 has shape [2, 3], 6 elements, which do not fit [4]"),
    Refusal(
      name: "reshape", operands: [.tensor(f, [2, 3])], attributes: ["shape": .integers([4, -1])], code: .shapeMismatch,
      place: .attribute("shape"), text: "reshape: operand 0 has shape [2, 3], 6 elements, which do not fit [4, -1]"),
    Refusal(
      name: "broadcast_to", operands: [.tensor(f, [2, 3])], attributes: ["shape": .integers([3])], code: .shapeMismatch,
      place: .attribute("shape"), text: "broadcast_to: operand 0 of shape [2, 3] does not broadcast to [3]"),
  ]

  static let dtypes: [Refusal] = [
    Refusal(
      name: "div", operands: [.tensor(.int64, [2]), .tensor(.int32, [2])], code: .dtypeMismatch, place: .operand(0),
      text: "div: works on floating values, operand 0 is int64; cast to float64 or float32 first"),
    Refusal(
      name: "div", operands: [.number(1), .tensor(.int32, [2])], code: .dtypeMismatch, place: .operand(1),
      text: "div: works on floating values, operand 1 is int32; cast to float64 or float32 first"),
    Refusal(
      name: "add", operands: [.number(1), .tensor(.bool, [2])], code: .dtypeMismatch, place: .operand(0),
      text: "add: the number 1 is next to bool; write true or false, or cast to a number first"),
    Refusal(
      name: "neg", operands: [.tensor(.bool, [2])], code: .dtypeMismatch, place: .operand(0),
      text: "neg: works on numeric values, operand 0 is bool; cast to a number first"),
    Refusal(
      name: "mul", operands: [.tensor(.int32, [2]), .tensor(f, [2])], code: .dtypeMismatch, place: .operand(1),
      text: "mul: operand 0 is int32 and operand 1 is float64; cast operand 0"),
    Refusal(
      name: "mul", operands: [.tensor(.int32, [2]), .number(2.5)], code: .dtypeMismatch, place: .operand(1),
      text: "mul: the number 2.5 is not an integer and is next to int32; cast to a float dtype first"),
    Refusal(
      name: "mul", operands: [.number(.nan), .tensor(.int64, [2])], code: .dtypeMismatch, place: .operand(0),
      text: "mul: the number nan is not an integer and is next to int64; cast to a float dtype first"),
    Refusal(
      name: "add", operands: [.tensor(.int32, [2]), .number(3e9)], code: .numberOutOfRange, place: .operand(1),
      text: "add: 3000000000 does not fit int32"),
    Refusal(
      name: "add", operands: [.tensor(.int64, [2]), .number(1e30)], code: .numberOutOfRange, place: .operand(1),
      text: "add: 1e+30 does not fit int64"),
    Refusal(
      name: "add", operands: [.number(1e300), .tensor(.float32, [2])], code: .numberOutOfRange, place: .operand(0),
      text: "add: 1e+300 does not fit float32"),
  ]

  static let attributes: [Refusal] = [
    Refusal(
      name: "neg", operands: [.tensor(f, [2])], attributes: ["axis": .integer(0)], code: .unknownAttribute,
      place: .attribute("axis"),
      text: "neg: has no attribute axis; it takes none"),
    Refusal(
      name: "sum", operands: [.tensor(f, [2])], attributes: ["dim": .integer(0)], code: .unknownAttribute,
      place: .attribute("dim"),
      text: "sum: has no attribute dim; it takes axis, keepdims; did you mean axis?"),
    Refusal(
      name: "reshape", operands: [.tensor(f, [2])], code: .invalidAttribute, place: .node,
      text: "reshape: needs the attribute shape: sizes of the result; one of them may be -1 and is worked out"),
    Refusal(
      name: "reshape", operands: [.tensor(f, [2])], attributes: ["shape": .null], code: .invalidAttribute,
      place: .attribute("shape"),
      text:
        "reshape: shape is a list of integers, got null: sizes of the result; one of them may be -1 and is worked out"),
    Refusal(
      name: "reshape", operands: [.tensor(f, [2])], attributes: ["shape": .integers([2, nil])], code: .invalidAttribute,
      place: .attribute("shape"),
      text:
        "reshape: shape is a list of integers, got a list holding null: sizes of the result; one of them may be -1 "
        + "and is worked out"
    ),
    Refusal(
      name: "reshape", operands: [.tensor(f, [2])], attributes: ["shape": .integers([-1, -1])], code: .invalidAttribute,
      place: .attribute("shape"), text: "reshape: only one size may be -1, got [-1, -1]"),
    Refusal(
      name: "reshape", operands: [.tensor(f, [2])], attributes: ["shape": .integers([-2])], code: .invalidAttribute,
      place: .attribute("shape"), text: "reshape: a size cannot be negative (but one may be -1), got -2"),
    Refusal(
      name: "reshape", operands: [.tensor(f, [0])], attributes: ["shape": .integers([0, -1])], code: .invalidAttribute,
      place: .attribute("shape"), text: "reshape: -1 could be any size beside an axis of size 0, in [0, -1]"),
    Refusal(
      name: "broadcast_to", operands: [.tensor(f, [])], attributes: ["shape": .integers([-1])], code: .invalidAttribute,
      place: .attribute("shape"), text: "broadcast_to: a size cannot be negative, got -1 in [-1]"),
    Refusal(
      name: "sum", operands: [.tensor(f, [2, 3])], attributes: ["axis": .integer(2)], code: .invalidAttribute,
      place: .attribute("axis"),
      text: "sum: axis 2 is out of range for operand 0, which has 2 axes (-2 to 1)"),
    Refusal(
      name: "sum", operands: [.tensor(f, [2, 3])], attributes: ["axis": .integers([0, -2])], code: .invalidAttribute,
      place: .attribute("axis"), text: "sum: axis [0, -2] names axis 0 twice"),
    Refusal(
      name: "sum", operands: [.tensor(f, [])], attributes: ["axis": .integer(0)], code: .invalidAttribute,
      place: .attribute("axis"),
      text: "sum: operand 0 is a scalar and has no axes, got axis 0"),
    Refusal(
      name: "sum", operands: [.tensor(f, [2])], attributes: ["axis": .integer(.min)], code: .invalidAttribute,
      place: .attribute("axis"),
      text: "sum: axis -9223372036854775808 is out of range for operand 0, which has 1 axis (-1 to 0)"),
    Refusal(
      name: "sum", operands: [.tensor(f, [2])], attributes: ["keepdims": .integer(1)], code: .invalidAttribute,
      place: .attribute("keepdims"), text: "sum: keepdims is true or false, got 1: keep the reduced axes with size 1"),
    Refusal(
      name: "transpose", operands: [.tensor(f, [2, 3])], attributes: ["axes": .integers([0])], code: .invalidAttribute,
      place: .attribute("axes"), text: "transpose: axes [0] must name each of the 2 axes of operand 0 once"),
    Refusal(
      name: "transpose", operands: [.tensor(f, [2, 3])], attributes: ["axes": .integers([0, 0])],
      code: .invalidAttribute,
      place: .attribute("axes"), text: "transpose: axes [0, 0] names axis 0 twice"),
    Refusal(
      name: "cast", operands: [.tensor(f, [2])], attributes: ["dtype": .text("float16")], code: .invalidAttribute,
      place: .attribute("dtype"),
      text: "cast: \"float16\" is not a dtype; known are float64, float32, int64, int32, "
        + "bool"),
    Refusal(
      name: "split", operands: [.tensor(f, [5])], attributes: ["splits": .integers([2, 2])], results: 2,
      code: .invalidAttribute,
      place: .attribute("splits"),
      text: "split: splits [2, 2] add up to 4, axis 0 of operand 0 has size 5; splits are sizes, not cut points"),
    Refusal(
      name: "split", operands: [.tensor(f, [5])], attributes: ["splits": .integers([.max, .max])], results: 2,
      code: .invalidAttribute,
      place: .attribute("splits"),
      text:
        "split: splits [9223372036854775807, 9223372036854775807] add up to 9223372036854775807, axis 0 of operand 0 "
        + "has size 5; "
        + "splits are sizes, not cut points"),
    Refusal(
      name: "split", operands: [.tensor(f, [5])], attributes: ["splits": .integers([6, -1])], results: 2,
      code: .invalidAttribute,
      place: .attribute("splits"), text: "split: a size cannot be negative, got -1"),
    Refusal(
      name: "split", operands: [.tensor(f, [5])], results: 2, code: .shapeMismatch, place: .operand(0),
      text: "split: axis 0 of operand 0 has size 5, which does not divide into 2 equal parts; give splits as sizes"),
    Refusal(
      name: "split", operands: [.tensor(f, [5])], attributes: ["splits": .integer(0)], code: .invalidAttribute,
      place: .attribute("splits"),
      text: "split: the number of parts must be at least 1, got 0"),
    Refusal(
      name: "slice", operands: [.tensor(f, [5])],
      attributes: ["starts": .integers([0]), "ends": .integers([5]), "steps": .integers([0])],
      code: .invalidAttribute, place: .attribute("steps"), text: "slice: a step cannot be 0"),
    Refusal(
      name: "slice", operands: [.tensor(f, [5])], attributes: ["starts": .integers([0]), "ends": .integers([1, 2])],
      code: .invalidAttribute,
      place: .attribute("ends"), text: "slice: ends has 2 entries, starts has 1: they go together, one per cut axis"),
    Refusal(
      name: "slice", operands: [.tensor(f, [5])],
      attributes: ["starts": .integers([0, 0]), "ends": .integers([1, 1])],
      code: .invalidAttribute, place: .attribute("starts"),
      text: "slice: starts has 2 entries, operand 0 has only 1 axis"),
    Refusal(
      name: "slice", operands: [.tensor(f, [5])], attributes: ["starts": .integers([0])], code: .invalidAttribute,
      place: .node,
      text: "slice: needs the attribute ends: index before which to stop; null entries mean to the edge"),
    Refusal(
      name: "sum", operands: [.tensor(f, [5])], attributes: ["axis": .text("0")], code: .invalidAttribute,
      place: .attribute("axis"),
      text:
        "sum: axis is an integer or a list of integers or null, got the text \"0\": the axes to sum over; null means "
        + "all, [] none"
    ),
    Refusal(
      name: "cast", operands: [.tensor(f, [5])], attributes: ["dtype": .other("an object")], code: .invalidAttribute,
      place: .attribute("dtype"),
      text: "cast: dtype is a dtype name, got an object: float64, float32, int64, int32 or bool"),
    Refusal(
      name: "split", operands: [.tensor(f, [5])], attributes: ["splits": .integer(2)], results: 2,
      code: .invalidAttribute,
      place: .attribute("splits"),
      text: "split: axis 0 of operand 0 has size 5, which does not divide into 2 equal parts; give splits as sizes"),
  ]

  @Test(arguments: arity + shapes + dtypes + attributes) func refusals(_ refusal: Refusal) throws {
    let builder = GraphBuilder()
    let operation = try #require(OpCatalog.operation(named: refusal.name))
    let operands = refusal.operands.map { given -> Operand in
      switch given {
      case .tensor(let dtype, let shape): .value(builder.input("", dtype, shape))
      case .number(let number): .weak(WeakNumber(number))
      }
    }
    let error = #expect(throws: GraphError.self) {
      try builder.apply(operation, operands, refusal.attributes, resultCount: refusal.results)
    }
    #expect(error?.description == refusal.text)
    #expect(error?.code == refusal.code)
    #expect(error?.place == refusal.place)
    #expect(error?.operation == refusal.name)
    // A refusal is thrown, not remembered too.
    #expect(builder.firstError == nil)
  }
}
