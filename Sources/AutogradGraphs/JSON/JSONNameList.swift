import AutogradFormats

/// Lists of names of values, each once.
package enum JSONNameList {
  /// - Throws: what is wrong, at pointers within the list.
  package static func read(_ list: JSONValue, orEmpty: Bool = false) throws(FormatError) -> [SourceName] {
    if list.kind == .numbers { throw FormatError(.wrongType, "expected a name, got a number", at: "/0") }
    guard list.kind == .array || list.kind == .string else {
      throw FormatError(.wrongType, "expected a list of names, such as [\"x\"], got \(list.describe)", at: "")
    }
    if list.listedCount == 0 && !orEmpty { throw FormatError(.missingMember, "at least one name is needed", at: "") }
    var seen = NameTable(capacity: list.listedCount)
    var names: [SourceName] = []
    names.reserveCapacity(list.listedCount)
    for (index, value) in list.listed.enumerated() {
      guard value.kind == .string else {
        throw FormatError(.wrongType, "expected a name, got \(value.describe)", at: list.place(of: index))
      }
      let name = SourceName(value)
      guard seen.define(name) else {
        throw FormatError(.duplicateName, "\(name.brief) is listed twice", at: list.place(of: index))
      }
      names.append(name)
    }
    return names
  }
}
