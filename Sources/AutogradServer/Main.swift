import ArgumentParser

/// The program: `autograd-server serve`, and what helps around it.
@main
struct AutogradServerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "autograd-server",
    abstract:
      "Exact gradients over HTTP: post a computation graph and tensors, get outputs and the gradient of every input.",
    discussion: """
      Start it with `autograd-server serve`, then:

        curl localhost:8080/v1/evaluate -d '{
          "graph": {"nodes": [{"op": "mul", "inputs": ["x", "x"], "outputs": ["y"]}]},
          "inputs": {"x": [1, 2, 3]}}'
      """,
    version: Version.current,
    subcommands: [ServeCommand.self, EvaluateCommand.self, OperationsCommand.self, HealthcheckCommand.self])

  /// With arguments of our own finding, see ``ProgramArguments``.
  static func main() { main(Array(ProgramArguments.all.dropFirst())) }
}
