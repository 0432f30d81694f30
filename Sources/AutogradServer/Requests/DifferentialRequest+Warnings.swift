import AutogradCore
import AutogradFormats
import AutogradGraphs

/// Warnings about requests that may not mean what their author meant.
extension DifferentialRequest {
  struct Warning {
    var code: String
    /// Where in the request, or in the answer; nil for what is in a stored graph.
    var pointer: String?
    var detail: String
    /// The stored graph that it is about, `fit@3`.
    var graph: String?

    /// The same where the request's graph is a stored one: it has no place in the request.
    func of(_ stored: StoredGraph?) -> Warning {
      guard let stored, let pointer, stored.pointer(ofGraphError: pointer) != nil else { return self }
      return Warning(code: code, pointer: nil, detail: detail, graph: stored.reference)
    }

    /// For a tensor of the answer.
    static func notFinite(at pointer: String, isDiagnosed: Bool) -> Warning {
      Warning(
        code: "non_finite", pointer: pointer,
        detail: "the answer holds NaN or infinity"
          + (isDiagnosed ? "" : "; \"diagnose\": true says where it comes from"))
    }
  }

  /// There may be thousands of one kind; a few are enough.
  static let mostShown = 8

  static func impliedOutputs(_ of: [NamedValue]) -> [Warning] {
    guard of.count(where: { $0.value.dtype.isFloating }) > 1 else { return [] }
    let names = of.prefix(mostShown).map(\.name.string).joined(separator: ", ") + (of.count > mostShown ? ", …" : "")
    return [
      Warning(
        code: "implied_outputs", pointer: "/graph",
        detail:
          "the graph names no outputs, so gradients are of the sum of all unused results: \(names); choose with of")
    ]
  }

  static func unusedInputs(_ graph: RequestGraph, outputs: [NamedValue]) -> [Warning] {
    graph.unusedInputs(outputs: outputs).filter { $0.place != nil }.map { input in
      let name = input.name.string
      return Warning(
        code: "unused_input", pointer: "/inputs" + Pointer.member(name), detail: "the input \(name) is not used")
    }
  }

  static func zeroGradients(_ graph: RequestGraph) -> [Warning] {
    graph.zeroGradients(mostShown).map {
      Warning(code: "zero_gradient", pointer: $0.pointer ?? "/graph", detail: $0.detail + $0.placeWords)
    }
  }

  /// Integer results have no gradients and nobody expects any; for floating results somebody may.
  /// - Parameter graph: of a request without `wrt` that has no floating inputs.
  static func integerInputs(_ graph: RequestGraph, _ of: [NamedValue]) -> [Warning] {
    guard of.contains(where: { $0.value.dtype.isFloating }),
      let input = graph.inputs.first(where: { $0.value.dtype.isInteger })
    else { return [] }
    return [
      Warning(
        code: "integer_inputs", pointer: "/inputs",
        detail:
          "no input is floating (\(input.name.string) is \(input.value.dtype)), so there are no gradients; give float64"
      )
    ]
  }
}
