import AutogradCore
import AutogradFormats

/// Reads a node's attributes by the kinds that its operation states. The operation itself checks the values.
struct JSONAttributeReader {
  let document: JSONDocument
  let defaultDType: DType

  func read(_ object: JSONValue, _ reference: OperationReference) throws(FormatError) -> [String: AttributeValue] {
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
