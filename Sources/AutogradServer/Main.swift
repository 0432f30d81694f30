import ArgumentParser
import AutogradFormats
import Glibc

/// The program `autograd-server`.
@main
struct AutogradServerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "autograd-server",
    abstract:
      "Exact gradients over HTTP: post a computation graph and tensors, get outputs and the gradient of every input.",
    discussion: """
      Start it with `autograd-server serve`, then:

        curl localhost:8080/v1/evaluate -d '{"graph": "y = sum(x ** 2)", "inputs": {"x": [1, 2, 3]}}'

      Without a server:

        autograd-server evaluate -e 'y = sum(x ** 2)' x=1,2,3
      """,
    version: Version.current,
    subcommands: [
      ServeCommand.self, EvaluateCommand.self, FormatCommand.self, OperationsCommand.self, HealthcheckCommand.self,
    ])

  /// Gets the arguments from ``ProgramArguments``.
  static func main() {
    let command: any ParsableCommand
    do {
      command = try parseAsRoot(Array(ProgramArguments.all.dropFirst()))
    } catch {
      exit(withError: error)
    }
    run(command)
  }

  /// An invalid argument that a command finds while it runs is reported with that command's usage.
  private static func run(_ command: any ParsableCommand) {
    var command = command
    do {
      try command.run()
    } catch let error as ValidationError {
      let type = type(of: command)
      let name = type.configuration.commandName ?? ""
      let help = "See 'autograd-server \(name) --help' for more information."
      CommandOutput.write(
        ByteBuffer("Error: \(error.message)\nUsage: \(usageString(for: type))\n  \(help)\n"), to: STDERR_FILENO)
      exit(withError: ExitCode.validationFailure)
    } catch {
      exit(withError: error)
    }
  }
}
