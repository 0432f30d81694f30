/// The version of the server: what `--version`, `/version` and the log say.
enum Version {
  static let current = "0.1.0"
}
