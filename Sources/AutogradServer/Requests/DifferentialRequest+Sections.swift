import AutogradCore
import AutogradFormats
import AutogradGraphs

extension DifferentialRequest {
  /// Adds the derivatives that were asked for to the graph, and lists the parts of the answer.
  func sections() -> [Section] {
    let builder = graph.builder
    var sections = [Section(name: "outputs", content: .tensors(outputs))]
    let floating = of.filter(\.value.dtype.isFloating)
    switch endpoint {
    case .evaluate:
      if targets != nil { sections.append(Section(name: "gradients", content: .tensors(gradients()))) }
    case .jvp:
      let floating = outputs.filter(\.value.dtype.isFloating)
      sections.append(Section(name: "tangents", content: .tensors(along(directions, floating))))
    case .check: break
    case .jacobian:
      let wrt = targets ?? []
      let jacobians = builder.jacobians(of: floating.map(\.value), withRespectTo: wrt.map(\.value))
      sections +=
        isStacked
        ? stackedJacobian(floating, wrt, jacobians)
        : [Section(name: "jacobians", content: .table(table(floating, wrt, jacobians)))]
    case .hessian:
      let (wrt, first) = (targets ?? [], gradients())
      let hessians = builder.hessians(first.map(\.value), withRespectTo: wrt.map(\.value))
      sections +=
        isStacked
        ? stackedHessian(first, hessians)
        : [
          Section(name: "gradients", content: .tensors(first)),
          Section(name: "hessians", content: .table(table(first, wrt, hessians))),
        ]
    case .hvp:
      let first = gradients()
      sections.append(Section(name: "gradients", content: .tensors(first)))
      sections.append(Section(name: "products", content: .tensors(along(directions, first))))
    }
    return inBatch(sections)
  }

  /// Computes all sections for all examples at once. Derivatives with respect to shared inputs only are summed over the
  /// examples, unless `per_example` is set.
  private func inBatch(_ sections: [Section]) -> [Section] {
    guard let batch = graph.batch else { return sections }
    func isSummed(_ name: SourceName) -> Bool { !batch.isPerExample && !batch.contains(name) }
    var values: [(value: Value, isSum: Bool)] = []
    for section in sections {
      switch section.content {
      case .tensors(let named):
        let isByInput = section.name == "gradients" || section.name == "products"
        values += named.map { ($0.value, isByInput && isSummed($0.name)) }
      case .table(let rows):
        let isByInput = section.name == "hessians"
        for row in rows {
          values += row.tensors.map { ($0.value, isByInput && isSummed(row.row) && isSummed($0.name)) }
        }
      case .tensor(let value):
        // Either all inputs are summed over or none, see ``checkStacked(_:_:_:)``.
        values.append((value, endpoint == .hessian && (targets ?? []).contains { isSummed($0.name) }))
      case .json: break
      }
    }
    var results = batch.run(values, graph.builder)[...]
    return sections.map { $0.replacingValues(&results) }
  }

  private func gradients() -> [NamedValue] {
    let wrt = targets ?? []
    let gradients = graph.builder.gradients(of: seeds, withRespectTo: wrt.map(\.value))
    return zip(wrt, gradients).map { .init(name: $0.name, value: $1 ?? graph.builder.zeros($0.value.type)) }
  }

  /// Directional derivatives of the values.
  private func along(_ directions: [(primal: Value, tangent: Value)], _ values: [NamedValue]) -> [NamedValue] {
    let tangents = graph.builder.tangents(of: values.map(\.value), along: directions)
    return zip(values, tangents).map { .init(name: $0.name, value: $1 ?? graph.builder.zeros($0.value.type)) }
  }

  private func table(
    _ rows: [NamedValue], _ columns: [NamedValue], _ values: [[Value]]
  ) -> [(row: SourceName, tensors: [NamedValue])] {
    zip(rows, values).map { row, values in (row.name, zip(columns, values).map { .init(name: $0.name, value: $1) }) }
  }
}
