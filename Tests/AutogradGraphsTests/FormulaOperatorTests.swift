import AutogradCore
import Testing

@testable import AutogradGraphs

/// The table of operators against the catalog and the tokens.
@Suite struct FormulaOperatorTests {
  @Test func eachOperatorIsAnOperation() {
    for entry in FormulaOperator.binary + FormulaOperator.prefix + FormulaOperator.postfix {
      let operation = OpCatalog.operation(named: "\(entry.operation)")
      let isBinary = FormulaOperator.binary.contains { "\($0.operation)" == "\(entry.operation)" }
      #expect(operation?.reference.operands.count == (isBinary ? 2 : 1), "\(entry.symbol)")
    }
  }

  @Test func eachOperatorIsAToken() {
    let kinds = FormulaToken.Kind.allCases
    #expect(
      kinds.compactMap(\.binary).map { "\($0.form.symbol)" }.sorted()
        == FormulaOperator.binary.map { "\($0.symbol)" }.sorted())
    #expect(kinds.compactMap(\.prefix).count == FormulaOperator.prefix.count)
    #expect(FormulaOperation.transpose?.operation.reference.name == "transpose")
    #expect(FormulaOperator.binary(forOperation: "matmul")?.precedence == .product)
  }

  @Test func precedenceRisesDownTheTable() {
    let levels = FormulaOperator.binary.map(\.precedence)
    #expect(levels == levels.sorted())
  }
}
