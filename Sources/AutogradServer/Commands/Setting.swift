import ArgumentParser
import Glibc

/// An option of `serve`: its name, its range, where its value goes, and its help. The value comes from the command
/// line, else from the environment variable, else from ``Configuration``.
struct Setting: Sendable {
  /// Without the dashes.
  let name: String
  let variable: String
  let help: ArgumentHelp
  /// Copies the value into the configuration.
  let apply: @Sendable (ServeOptions, inout Configuration) throws -> Void

  /// - Parameters:
  ///   - values: what its variable holds when the option may be given several times.
  ///   - standard: what the help calls its default.
  private init(
    _ name: String, several: Bool = false, standard: String, _ help: String,
    _ apply: @escaping @Sendable (ServeOptions, inout Configuration) throws -> Void
  ) {
    self.name = name
    variable = Setting.variable(name, several: several)
    self.help = "\(help) \(variable). (default: \(standard))"
    self.apply = apply
  }

  /// One value of any kind.
  init<Value: LosslessStringConvertible & Sendable>(
    _ name: String, _ option: KeyPath<ServeOptions, Value?> & Sendable,
    _ target: WritableKeyPath<Configuration, Value> & Sendable,
    _ help: String
  ) {
    let variable = Setting.variable(name)
    self.init(name, standard: "\(Configuration()[keyPath: target])", help) { options, configuration in
      if let value = try Setting.resolve(options[keyPath: option], variable) { configuration[keyPath: target] = value }
    }
  }

  /// One optional value; the help describes what happens without it.
  init<Value: LosslessStringConvertible & Sendable>(
    _ name: String, _ option: KeyPath<ServeOptions, Value?> & Sendable,
    _ target: WritableKeyPath<Configuration, Value?> & Sendable,
    standard: String, _ help: String
  ) {
    let variable = Setting.variable(name)
    self.init(name, standard: standard, help) { options, configuration in
      configuration[keyPath: target] = try Setting.resolve(options[keyPath: option], variable)
    }
  }

  /// A number within a range.
  init(
    _ name: String, _ option: KeyPath<ServeOptions, Int?> & Sendable,
    _ target: WritableKeyPath<Configuration, Int> & Sendable,
    _ range: ClosedRange<Int>, _ help: String
  ) {
    let variable = Setting.variable(name)
    self.init(name, standard: "\(Configuration()[keyPath: target])", help) { options, configuration in
      guard let value = try Setting.number(options[keyPath: option], name, variable, range) else { return }
      configuration[keyPath: target] = value
    }
  }

  /// A number without a fixed default; the help describes the default in words.
  init(
    _ name: String, _ option: KeyPath<ServeOptions, Int?> & Sendable,
    _ target: WritableKeyPath<Configuration, Int?> & Sendable,
    _ range: ClosedRange<Int>, standard: String, _ help: String
  ) {
    let variable = Setting.variable(name)
    self.init(name, standard: standard, help) { options, configuration in
      guard let value = try Setting.number(options[keyPath: option], name, variable, range) else { return }
      configuration[keyPath: target] = value
    }
  }

  /// An option that may be given several times; in its variable, values are separated by commas.
  init<Values: Sendable>(
    _ name: String, _ option: KeyPath<ServeOptions, [String]> & Sendable,
    _ target: WritableKeyPath<Configuration, Values> & Sendable, standard: String, _ help: String,
    read: @escaping @Sendable ([String]) throws -> Values
  ) {
    let variable = Setting.variable(name, several: true)
    self.init(
      name, several: true, standard: standard, help + " Repeat the option, or separate by commas in the variable."
    ) {
      options, configuration in
      let given = options[keyPath: option]
      let texts =
        given.isEmpty ? (Setting.environment(variable) ?? "").split { $0 == "," || $0 == " " }.map(String.init) : given
      configuration[keyPath: target] = try read(texts)
    }
  }

  /// `max-nodes` as `AUTOGRAD_MAX_NODES`, `trusted-proxy` as `AUTOGRAD_TRUSTED_PROXIES`.
  private static func variable(_ name: String, several: Bool = false) -> String {
    let words = String(name.uppercased().map { $0 == "-" ? "_" : $0 })
    guard several else { return SettingNames.prefix + words }
    return SettingNames.prefix + (words.hasSuffix("Y") ? words.dropLast() + "IES" : words + "S")
  }

  private static func number(_ option: Int?, _ name: String, _ variable: String, _ range: ClosedRange<Int>) throws
    -> Int?
  {
    let words = "a whole number from \(range.lowerBound) to \(range.upperBound)"
    guard let value = try resolve(option, variable, words) else { return nil }
    guard range.contains(value) else {
      throw ValidationError("--\(name) (or \(variable)) must be \(words), got \(value)")
    }
    return value
  }

  /// - Parameter words: describes a valid value, for an error; by default from its type.
  static func resolve<Value: LosslessStringConvertible>(_ option: Value?, _ variable: String, _ words: String? = nil)
    throws -> Value?
  {
    if let option { return option }
    guard let text = environment(variable) else { return nil }
    guard let value = Value(text) else {
      throw ValidationError("\(variable)=\(text) is not \(words ?? kind(Value.self))")
    }
    return value
  }

  private static func environment(_ variable: String) -> String? {
    guard let text = getenv(variable).map({ String(cString: $0) }), !text.isEmpty else { return nil }
    return text
  }

  private static func kind<Value>(_: Value.Type) -> String {
    switch Value.self {
    case is Bool.Type: "true or false"
    case is LogFormat.Type: "text or json"
    case is AdminAddress.Type: "HOST:PORT, such as 127.0.0.1:9090 or [::1]:9090"
    default: "a whole number"
    }
  }
}
