import AutogradCore
import AutogradFormats

/// Options of `/v1/check` for the comparison.
struct CheckOptions {
  /// `rtol` and `atol`.
  var tolerance = CheckTolerance()
  /// The largest step; nil chooses it by the size of each element.
  var step: Double?

  init() {}

  init(_ root: JSONValue) throws(FormatError) {
    if let relative = try CheckOptions.number(root["rtol"]?.given, "rtol") { tolerance.relative = relative }
    if let absolute = try CheckOptions.number(root["atol"]?.given, "atol") { tolerance.absolute = absolute }
    step = try CheckOptions.number(root["step"]?.given, "step", isAboveZero: true)
  }

  private static func number(_ value: JSONValue?, _ name: String, isAboveZero: Bool = false) throws(FormatError)
    -> Double?
  {
    guard let value else { return nil }
    guard value.kind == .number, let (number, isTooLarge) = value.numberToken?.double() else {
      throw FormatError(.wrongType, "\(name) is a number, got \(value.brief)", at: "/\(name)")
    }
    guard !isTooLarge, number.isFinite, isAboveZero ? number > 0 : number >= 0 else {
      let range = isAboveZero ? "greater than 0" : "0 or greater"
      throw FormatError(.numberOutOfRange, "\(name) must be finite and \(range), got \(value.brief)", at: "/\(name)")
    }
    return number
  }
}
