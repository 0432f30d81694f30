import AutogradFormats

extension SourceName {
  /// A string; empty for anything else.
  package init(_ value: JSONValue) { self.init(value.stringBytes) }
  /// The key of a member.
  package init(_ name: JSONName) { self.init(name.bytes) }
}
