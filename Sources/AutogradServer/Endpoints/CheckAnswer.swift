import AutogradCore
import AutogradFormats
import AutogradGraphs

/// The answer of `/v1/check`: for each input the result, and the reason in words.
struct CheckAnswer {
  typealias Input = (name: SourceName, shape: Shape, report: GradientCheck.Report)
  typealias Nonfinite = (node: Int, output: SourceName, index: [Int])

  let inputs: [Input]
  let nonfinite: Nonfinite?

  /// The answer up to the warnings.
  func text() -> ByteBuffer {
    let json = ByteBuffer()
    let results = inputs.map(\.report.result)
    let overall: CheckResult =
      results.contains(.fails) ? .fails : results.contains(.inconclusive) ? .inconclusive : .passes
    json.append(
      "{\"passed\": \(inputs.allSatisfy(\.report.isPassed)), \"result\": \"\(overall.rawValue)\", \"reason\": ")
    json.appendJSONString(reason(overall))
    json.append(", \"inputs\": {")
    for (position, input) in inputs.enumerated() {
      if position > 0 { json.append(", ") }
      write(input, to: json)
    }
    json.append("}, \"first_nonfinite\": ")
    if let nonfinite {
      json.append("{\"node\": \(nonfinite.node), \"output\": ")
      json.appendJSONString(nonfinite.output.bytes)
      json.append(", \"index\": \(nonfinite.index)}")
    } else {
      json.append("null")
    }
    return json
  }

  private func write(_ input: Input, to json: ByteBuffer) {
    let report = input.report
    let finding = report.finding
    json.appendJSONString(input.name.bytes)
    json.append(": {\"passed\": \(report.isPassed), \"result\": \"\(report.result.rawValue)\", \"reason\": ")
    json.appendJSONString(reason(report, input.shape))
    json.append(", \"max_error\": ")
    json.append(double: finding?.error ?? 0)
    json.append(", \"index\": \(report.position.map(input.shape.index) ?? []), \"analytic\": ")
    json.append(double: finding?.analytic ?? 0)
    json.append(", \"numeric\": ")
    json.append(double: finding?.numeric ?? 0)
    json.append(", \"checked\": \(report.checked), \"kink\": \(report.isKink)}")
  }

  // MARK: Words

  private func reason(_ overall: CheckResult) -> String {
    guard overall != .passes, let worst = inputs.first(where: { $0.report.result == overall }) else {
      return inputs.isEmpty ? "there is nothing to compare" : "every gradient agrees with the differences"
    }
    return worst.name.string + ": " + reason(worst.report, worst.shape)
  }

  private func reason(_ report: GradientCheck.Report, _ shape: Shape) -> String {
    guard let finding = report.finding else { return "it has no elements" }
    let place =
      report.isAlongDirection
      ? "along a direction through all elements" : "at \(report.position.map(shape.index) ?? [])"
    let slope = CheckAnswer.text(finding.analytic)
    let numeric = CheckAnswer.text(finding.numeric)
    switch finding.cause {
    case .compared where finding.result == .passes:
      return "the gradient agrees with the differences at \(report.checked) element\(report.checked == 1 ? "" : "s")"
    case .compared:
      return
        "\(place) the gradient is \(slope), the differences say \(numeric), give or take "
        + CheckAnswer.text(finding.uncertainty)
    case .valueNotFinite(let value): return "the function is \(CheckAnswer.text(value)) there: nothing can be compared"
    case .derivativeNotFinite:
      return "\(place) the gradient is \(slope), and the differences do not settle on any number"
    case .kink(let left, let right): return kinkReason(finding, place, left, right)
    case .rounding:
      return
        "\(place) the differences are too rough to tell: \(numeric), give or take "
        + "\(CheckAnswer.text(finding.uncertainty)), "
        + "where the gradient is \(slope)"
    case .unsettled:
      return "\(place) differences over steps of different size contradict each other; the gradient is \(slope)"
    case .noStep:
      return
        "\(place) the function has no finite value one step away, or the step is too small to change the element: "
        + "nothing "
        + "was compared; the gradient is \(slope)"
    case .coarseNumbers:
      return "\(place) the numbers nearby are too far away to tell; the gradient is \(slope)"
    case .hiddenSteps:
      return
        "\(place) the function rounds to whole numbers, and steps that stay between two of them change it too little "
        + "to "
        + "be seen; the gradient is \(slope)"
    case .unresolved:
      return
        "\(place) the gradient changes within the steps that rounding lets see anything, as that of a function does "
        + "whose "
        + "periods are short beside its argument; here it is \(slope)"
    case .tooMuchWork:
      return "\(place) a closer look would take more evaluations than are allowed; the gradient is \(slope)"
    }
  }

  private func kinkReason(_ finding: SlopeFinding, _ place: String, _ left: Double, _ right: Double) -> String {
    let slope = CheckAnswer.text(finding.analytic)
    if left == -.infinity && right == .infinity {
      return "\(place) the function has a kink in some direction, where its gradient is a convention: \(slope)"
    }
    let sides = "from \(CheckAnswer.text(left)) on the left to \(CheckAnswer.text(right)) on the right"
    return switch finding.result {
    case .passes: "\(place) the slope changes \(sides); the gradient is the mean"
    case .inconclusive: "\(place) the slope changes \(sides), and the gradient is a convention: \(slope)"
    case .fails: "\(place) the slope changes \(sides), and the gradient is not between: \(slope)"
    }
  }

  private static func text(_ number: Double) -> String {
    if number.isNaN { return "NaN" }
    return number.isInfinite ? (number > 0 ? "Infinity" : "-Infinity") : number.description
  }
}
