import AutogradCore
import AutogradFormats

/// Reads a node's operands: names, numbers, true and false, and tensors written in place.
struct OperandDecoder {
  let document: JSONDocument
  let builder: GraphBuilder
  let defaultDType: DType

  /// - Parameter resolve: the value of a name.
  func decode(_ list: JSONValue, _ reference: OperationReference, _ resolve: (JSONValue) throws(FormatError) -> Value)
    throws(FormatError)
    -> [Operand]
  {
    if list.kind == .numbers { return list.numberTokens.map { .weak(WeakNumber($0)) } }
    var operands: [Operand] = []
    operands.reserveCapacity(list.listedCount)
    /// Tensors without a dtype wait for that of the others.
    var waiting: [(index: Int, value: JSONValue)] = []
    for (index, element) in list.listed.enumerated() {
      switch element.kind {
      case .string where NameTable.isNonFinite(element.stringBytes), .number:
        operands.append(.weak(try weakNumber(element, at: index)))
      case .string:
        do throws(FormatError) {
          operands.append(.value(try resolve(element)))
        } catch {
          throw error.under("/inputs" + list.place(of: index))
        }
      case .true, .false: operands.append(.value(builder.constant(Scalar(element.kind == .true))))
      case .object where element["dtype"] != nil:
        operands.append(.value(try constant(element, .fallback(defaultDType), at: index)))
      case .array, .numbers, .object:
        waiting.append((index, element))
        operands.append(.weak(WeakNumber(0)))
      case .null:
        throw FormatError(
          .wrongType,
          "an operand is a name, a number or a tensor, got null; numbers that JSON lacks are \"NaN\", \"Infinity\" "
            + "and \"-Infinity\"",
          at: "/inputs/\(index)")
      }
    }
    guard !waiting.isEmpty else { return operands }
    let dtype = promotedDType(operands, reference)
    for (index, element) in waiting {
      let fallback = reference.kind(of: index) == .index ? .int64 : dtype
      operands[index] = .value(try constant(element, .fallback(fallback), at: index))
    }
    return operands
  }

  private func constant(_ element: JSONValue, _ expected: TensorDecoder.Expected, at index: Int) throws(FormatError)
    -> Value
  {
    do throws(FormatError) {
      return builder.constant(try TensorDecoder(document: document).decode(element, expected))
    } catch {
      throw error.under("/inputs/\(index)")
    }
  }

  private func weakNumber(_ element: JSONValue, at index: Int) throws(FormatError) -> WeakNumber {
    guard let token = element.numberToken else { return WeakNumber(.nan) }
    if token.double().overflow {
      throw FormatError(.numberOutOfRange, "\(element.describe) is beyond the largest float64", at: "/inputs/\(index)")
    }
    return WeakNumber(token)
  }

  /// What a number written beside these operands becomes. Where they do not mix, the operation itself will say so.
  private func promotedDType(_ operands: [Operand], _ reference: OperationReference) -> DType {
    var common: DType?
    for (index, operand) in operands.enumerated() where reference.kind(of: index) == .promoted {
      guard case .value(let value) = operand else { continue }
      common = common.map { DType.promoted($0, value.dtype) ?? defaultDType } ?? value.dtype
    }
    return common.flatMap { $0.isNumeric ? $0 : nil } ?? defaultDType
  }
}

extension WeakNumber {
  /// A number from the text of the request, each form rounded once.
  init(_ token: NumberToken) {
    let integer: Int64? = if case .value(let value) = token.int64() { value } else { nil }
    self.init(double: token.double().value, float: token.float().value, integer: integer)
  }
}

extension JSONValue {
  /// The bytes of a name or key of the request.
  struct Text {
    let bytes: UnsafeRawBufferPointer
    var string: String { String(decoding: bytes, as: UTF8.self) }

    init(_ value: JSONValue) { bytes = value.stringBytes }
    init(_ name: JSONName) { bytes = name.bytes }
  }

  /// What a node's operands are called in errors: names, numbers as written, "the tensor [2, 3]".
  var operandTexts: [String] {
    if kind == .numbers { return numberTokens.map { String(decoding: $0.text.prefix(40), as: UTF8.self) } }
    return listed.enumerated().map { index, element in
      switch element.kind {
      case .string: element.string.count > 64 ? element.string.prefix(64) + "…" : element.string
      case .number, .true, .false: String(decoding: element.text.prefix(40), as: UTF8.self)
      default: "input \(index)"
      }
    }
  }

  /// The member of a name known only at run time.
  subscript(dynamic key: String) -> JSONValue? {
    for (name, value) in members where name.string == key { return value }
    return nil
  }
}

extension JSONValue {
  /// A list of lists of integers; nil if this is something else.
  fileprivate var integerLists: [[Int]]? {
    guard kind == .array else { return nil }
    var lists: [[Int]] = []
    for element in elements {
      if element.kind == .numbers {
        guard let integers = element.integerList else { return nil }
        lists.append(integers)
      } else {
        guard element.kind == .array, element.count == 0 else { return nil }
        lists.append([])
      }
    }
    return lists
  }
}

/// Reads a node's attributes by the kinds that its operation states; whether values make sense is the operation's
/// business.
struct AttributeDecoder {
  let document: JSONDocument
  let defaultDType: DType

  func decode(_ object: JSONValue?, _ reference: OperationReference) throws(FormatError) -> [String: AttributeValue] {
    guard let object else { return [:] }
    var attributes: [String: AttributeValue] = [:]
    for (key, value) in object.members {
      let name = key.string
      let kind = reference.attributes.first { $0.name == name }?.kind
      if kind == .tensor {
        do throws(FormatError) {
          attributes[name] = .tensor(try TensorDecoder(document: document).decode(value, .fallback(defaultDType)))
        } catch {
          throw error.under("/attributes" + Pointer.member(name))
        }
      } else if kind == .scalar, value.kind == .string, let token = value.numberToken {
        attributes[name] = .number(token.double().value)
      } else if kind == .integerLists || kind == .integerOrLists, let lists = value.integerLists {
        attributes[name] = .integerLists(lists)
      } else if kind == .numberOrList, value.kind == .numbers {
        attributes[name] = .numbers(value.numberTokens.map { $0.double().value })
      } else {
        attributes[name] = plainValue(value)
      }
    }
    return attributes
  }

  private func plainValue(_ value: JSONValue) -> AttributeValue {
    switch value.kind {
    case .null: return .null
    case .true: return .boolean(true)
    case .false: return .boolean(false)
    case .string: return .text(value.string)
    case .number:
      if let integer = value.integer { return .integer(integer) }
      guard let (number, overflow) = value.numberToken?.double(), !overflow else { return .other(value.describe) }
      return .number(number)
    case .numbers: return value.integerList.map { .integers($0) } ?? .other("a list with something else than integers")
    case .array:
      var list: [Int?] = []
      for element in value.elements {
        guard element.kind == .null || element.integer != nil else {
          return .other("a list with \(element.brief) in it")
        }
        list.append(element.integer)
      }
      return .integers(list)
    case .object: return .other("an object")
    }
  }
}
