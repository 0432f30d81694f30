import Glibc

/// Media types of bodies, and the Accept header.
package enum MediaTypes {
  package static let json = "application/json"

  private static let usual: StaticString = "application/json"

  /// A header's text. The most common one is not allocated.
  package static func string(_ bytes: UnsafeRawBufferPointer?) -> String? {
    guard let bytes else { return nil }
    if bytes.count == usual.utf8CodeUnitCount, let start = bytes.baseAddress,
      memcmp(start, usual.utf8Start, bytes.count) == 0
    {
      return json
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The type without its parameters, in lower case.
  package static func essence(_ header: String) -> Substring {
    header.lowercased().prefix { $0 != ";" && $0 != " " }
  }

  /// Nil if the Accept header allows one of the path's answer types, else the refusal.
  static func checkAccept(_ header: String?, _ answers: [String]) -> Refusal? {
    guard let header, !header.isEmpty, header != "*/*", header != answers.first else { return nil }
    let accepted = AcceptedTypes(header)
    for type in answers where accepted.quality(of: type) > 0 { return nil }
    // Alternative names of a type count only if they are listed exactly, not through a range.
    for type in answers.flatMap(otherNames) where accepted.quality(of: type, exactly: true) > 0 { return nil }
    return .notAcceptable(accept: header, answers: answers)
  }

  private static func otherNames(of type: String) -> [String] {
    switch type {
    case json: ["application/problem+json"]
    case "application/yaml": ["text/yaml", "application/x-yaml", "text/x-yaml"]
    default: []
    }
  }
}

/// What an Accept header lists (RFC 9110, 12.5.1).
package struct AcceptedTypes {
  private struct Entry {
    /// `application/json`, `application/*` or `*/*`.
    var range: String
    var quality: Double
  }

  private let entries: [Entry]

  package init(_ header: String) {
    entries = header.lowercased().split(separator: ",").compactMap { part in
      let pieces = part.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" } }
      guard let range = pieces.first else { return nil }
      let weight = pieces.dropFirst().first { $0.hasPrefix("q=") }.flatMap { Double($0.dropFirst(2)) } ?? 1
      return Entry(range: range, quality: weight)
    }
  }

  /// The quality of the most specific entry that covers the type; 0 if none does.
  package func quality(of type: String, exactly: Bool = false) -> Double {
    let ranges = exactly ? [type] : [type, "\(type.prefix { $0 != "/" })/*", "*/*"]
    for range in ranges {
      if let entry = entries.first(where: { $0.range == range }) { return entry.quality }
    }
    return 0
  }
}
