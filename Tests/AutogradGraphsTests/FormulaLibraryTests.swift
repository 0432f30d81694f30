import AutogradCore
import AutogradGraphs
import Testing

/// Formulas in Swift, through the public interface alone.
@Suite struct FormulaLibraryTests {
  @Test func aFormulaIsAGraph() throws {
    let graph = try Graph(formula: "y = sum(x ** 2)", inputs: ["x": TensorType(.float64, [3])])
    #expect(try Plan(graph).run([[1, 2, 3]]) == [14])
  }

  @Test func constantsAndDefaultsBelongToTheGraph() throws {
    let text = "input x\ninput r = 0.5\nconst k = 3\ny = k * r * x"
    let graph = try Graph(formula: text, inputs: ["x": TensorType(.float64, [])])
    #expect(try Plan(graph).run([2]) == [3])
    let both = try Graph(formula: text, inputs: ["x": TensorType(.float64, []), "r": TensorType(.float64, [])])
    #expect(try Plan(both).run([2, 1]) == [6])
  }

  @Test func errorsHavePlaces() {
    let error = #expect(throws: FormulaError.self) { try Graph(formula: "y = a // b") }
    #expect(error?.code == "invalid_formula" && error?.line == 1 && error?.column == 7)
    #expect(error?.description == "1:7: \(error?.message ?? "")\ny = a // b\n      ^")
    let missing = #expect(throws: FormulaError.self) { try Graph(formula: "input x\ny = x") }
    #expect(missing?.code == "input_mismatch" && missing?.column == 7)
    #expect(throws: FormulaError.self) {
      try Graph(formula: "input x = 1\ny = x", inputs: ["z": TensorType(.bool, [])])
    }
  }
}
