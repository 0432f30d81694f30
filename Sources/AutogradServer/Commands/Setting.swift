import ArgumentParser
import Glibc

/// A setting comes from its flag, else from its environment variable, else from its default.
enum Setting {
  static func resolve<Value: LosslessStringConvertible>(_ flag: Value?, _ variable: String, _ fallback: Value) throws -> Value {
    try resolve(flag, variable) ?? fallback
  }

  /// The same without a default.
  static func resolve<Value: LosslessStringConvertible>(_ flag: Value?, _ variable: String) throws -> Value? {
    if let flag { return flag }
    guard let text = environment(variable) else { return nil }
    guard let value = Value(text) else { throw ValidationError("\(variable)=\(text) is not \(kind(Value.self))") }
    return value
  }

  /// Of an option that may be given several times; in its variable they are separated by commas.
  static func list(_ flags: [String], _ variable: String) -> [String] {
    if !flags.isEmpty { return flags }
    let text = environment(variable) ?? ""
    return text.split(whereSeparator: { $0 == "," || $0 == " " }).map(String.init)
  }

  static func environment(_ variable: String) -> String? {
    guard let text = getenv(variable).map({ String(cString: $0) }), !text.isEmpty else { return nil }
    return text
  }

  private static func kind<Value>(_: Value.Type) -> String {
    switch Value.self {
    case is Bool.Type: "true or false"
    case is LogFormat.Type: "text or json"
    case is AdminAddress.Type: "HOST:PORT, such as 127.0.0.1:9090 or [::1]:9090"
    case is UInt16.Type: "a number from 0 to 65535"
    default: "a whole number"
    }
  }
}
