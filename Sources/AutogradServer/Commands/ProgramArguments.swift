import CSystem

/// What the program was called with, its name first; also where there is no /proc, from which `CommandLine.arguments`
/// is read.
enum ProgramArguments {
  static let all: [String] = {
    guard var next = system_arguments() else { return [] }
    var arguments: [String] = []
    while let argument = next.pointee {
      arguments.append(String(cString: argument))
      next += 1
    }
    return arguments
  }()
}
