import ArgumentParser
import AutogradCore
import AutogradFormats
import Glibc

/// The environment variables that set options of `serve`, one for each option.
///
/// If misspelt variables were ignored, the server would run with an unintended default, for example without tokens.
enum SettingNames {
  static let prefix = "AUTOGRAD_"

  /// `AUTOGRAD_MAX_NODES` and so on, in the order of the options.
  static let all = ServeOptions.settings.map(\.variable)

  /// Variables of the clients, which are often started from the same shell.
  private static let ofClients = ["AUTOGRAD_URL", "AUTOGRAD_TOKEN"]

  /// Throws for the first entry, `NAME=value`, whose name begins with the prefix but is not a known setting.
  static func check(_ environment: [String] = environmentEntries()) throws(ValidationError) {
    for entry in environment where entry.hasPrefix(prefix) {
      let parts = entry.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      let (name, value) = (parts[0], parts.count > 1 ? parts[1] : "")
      let others = WorkerProcess.variables + ofClients
      if all.contains(name) || others.contains(name) || isServiceLink(name, value) { continue }
      // Without the prefix, which would make all names look similar.
      let near = NearestNames.find(
        String(name.dropFirst(prefix.count)), among: all.map { String($0.dropFirst(prefix.count)) })
      let hint =
        near.isEmpty
        ? "autograd-server serve --help lists them"
        : "did you mean \(near.map { prefix + $0 }.joined(separator: " or "))?"
      throw ValidationError("unknown setting \(name); \(hint)")
    }
  }

  /// Whether Kubernetes or Docker set it, to give the address of a service whose name begins with `autograd`:
  /// `AUTOGRAD_SERVER_SERVICE_HOST`, `AUTOGRAD_SERVER_PORT=tcp://…`, `AUTOGRAD_SERVER_PORT_8080_TCP_ADDR`.
  private static func isServiceLink(_ name: String, _ value: String) -> Bool {
    let words = name.split(separator: "_", omittingEmptySubsequences: false)
    let isAddress = ["tcp://", "udp://", "sctp://"].contains { value.hasPrefix($0) }
    if name.hasSuffix("_PORT") && isAddress { return true }
    for (index, word) in words.enumerated().dropFirst() {
      let next = index + 1 < words.count ? words[index + 1] : ""
      if word == "SERVICE" && ["HOST", "PORT"].contains(next) { return true }
      if word == "PORT" && Int(next) != nil { return true }
    }
    return false
  }
}
