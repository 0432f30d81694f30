import Glibc

/// A path of which segments are parameters: `/v1/graphs/{name}/versions/{version}`. A parameter is one whole segment,
/// never empty, and what was sent: percent signs are not decoded.
struct PathPattern: Sendable {
  let names: [String]
  /// What stands before, between and behind the parameters.
  fileprivate let literals: [[UInt8]]

  /// Nil for a path without parameters.
  init?(_ path: String) {
    var names: [String] = []
    var literals: [[UInt8]] = [[]]
    for (index, part) in path.split(separator: "/", omittingEmptySubsequences: false).enumerated() {
      if index > 0 { literals[literals.count - 1].append(UInt8(ascii: "/")) }
      if part.hasPrefix("{") && part.hasSuffix("}") {
        names.append(String(part.dropFirst().dropLast()))
        literals.append([])
      } else {
        literals[literals.count - 1] += part.utf8
      }
    }
    if names.isEmpty { return nil }
    precondition(names.count <= ParameterRanges.most, "\(path) has too many parameters")
    self.names = names
    self.literals = literals
  }

  /// Of two patterns that a path is like, the one with more that is fixed is meant.
  var fixedCount: Int { literals.joined().count { $0 == UInt8(ascii: "/") } - names.count }
}

/// The patterns of a router. Nothing in an entry is counted by reference, because every request on every thread looks
/// here.
struct PatternTable<Value: Sendable>: Sendable {
  private struct Entry: Sendable {
    let before: Range<Int>
    /// Empty for a pattern of one parameter.
    let between: Range<Int>
    let behind: Range<Int>
    let value: Value
  }

  private let text: [UInt8]
  private let entries: [Entry]

  /// - Parameter patterns: those that are to be tried first come first.
  init(_ patterns: [(pattern: PathPattern, value: Value)]) {
    var text: [UInt8] = []
    func add(_ literal: [UInt8]) -> Range<Int> {
      text += literal
      return text.count - literal.count..<text.count
    }
    entries = patterns.map { pattern, value in
      let literals = pattern.literals
      return Entry(
        before: add(literals[0]), between: add(literals.count > 2 ? literals[1] : []),
        behind: add(literals[literals.count - 1]), value: value)
    }
    self.text = text
  }

  /// The first pattern that a path is like, and where its parameters are.
  func find(_ path: UnsafeBufferPointer<UInt8>) -> (value: Value, parameters: ParameterRanges)? {
    text.withUnsafeBufferPointer { text in
      for index in entries.indices {
        if let parameters = match(entries[index], text, path) { return (entries[index].value, parameters) }
      }
      return nil
    }
  }

  private func match(
    _ entry: Entry, _ text: UnsafeBufferPointer<UInt8>, _ path: UnsafeBufferPointer<UInt8>
  ) -> ParameterRanges? {
    func has(_ literal: Range<Int>, at start: Int) -> Bool {
      guard start >= 0, literal.count <= path.count - start else { return false }
      guard !literal.isEmpty, let path = path.baseAddress, let text = text.baseAddress else { return true }
      return memcmp(path + start, text + literal.lowerBound, literal.count) == 0
    }
    func parameter(at start: Int) -> Range<Int>? {
      var end = start
      while end < path.count, path[end] != UInt8(ascii: "/") { end += 1 }
      return end == start ? nil : start..<end
    }
    let end = path.count - entry.behind.count
    // The end tells most of them apart.
    guard has(entry.behind, at: end), has(entry.before, at: 0), let first = parameter(at: entry.before.count) else {
      return nil
    }
    if entry.between.isEmpty { return first.upperBound == end ? ParameterRanges(first) : nil }
    guard has(entry.between, at: first.upperBound),
      let second = parameter(at: first.upperBound + entry.between.count), second.upperBound == end
    else { return nil }
    return ParameterRanges(first, second)
  }
}

/// Where the parameters of a path are, as offsets of its bytes.
package struct ParameterRanges: Sendable, Equatable {
  static let most = 2
  private let first: Range<Int>
  private let second: Range<Int>

  static let none = ParameterRanges(0..<0)

  init(_ first: Range<Int>, _ second: Range<Int> = 0..<0) {
    self.first = first
    self.second = second
  }

  subscript(index: Int) -> Range<Int> { index == 0 ? first : second }

  var isEmpty: Bool { first.isEmpty }
}

/// What stands in a request's path for the parameters of its route's.
package struct PathParameters: Sendable {
  private let path: String
  private let names: [String]
  private let ranges: ParameterRanges

  static let none = PathParameters("", names: [], .none)

  init(_ path: String, names: [String], _ ranges: ParameterRanges) {
    self.path = path
    self.names = names
    self.ranges = ranges
  }

  /// As it was sent; empty, which no parameter is, for a name that the path does not have.
  package subscript(name: String) -> String {
    guard let index = names.firstIndex(of: name) else { return "" }
    let bytes = path.utf8
    let start = bytes.index(bytes.startIndex, offsetBy: ranges[index].lowerBound)
    return String(path[start..<bytes.index(start, offsetBy: ranges[index].count)])
  }
}
