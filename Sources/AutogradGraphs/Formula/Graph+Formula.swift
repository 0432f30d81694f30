import AutogradCore
import AutogradFormats

extension Graph {
  /// The graph of a formula, such as `loss = sum((x @ w - y) ** 2)`; docs/formulas.md has the language.
  ///
  ///     let graph = try Graph(formula: "y = sum(x ** 2)", inputs: ["x": TensorType(.float64, [3])])
  ///     let y = try Plan(graph).run([[1, 2, 3]])
  ///
  /// The graph's inputs are those of the formula, in the order in which it declares or first uses them; then come the
  /// others that are given, by name. Outputs have the names of the formula.
  ///
  /// - Parameters:
  ///   - inputs: the types of the inputs by name. One that is left out and has a default in the formula is a constant.
  ///   - defaultDType: the dtype of numbers without one.
  /// - Throws: what is wrong, with its place in the text.
  public init(formula: String, inputs: [String: TensorType] = [:], defaultDType: DType = .float64)
    throws(FormulaError)
  {
    let limits = GraphLimits(nodes: 1 << 20)
    let bytes = FormulaBytes(copying: Array(formula.utf8))
    do throws(FormatError) {
      let (source, text) = try FormulaReader.read(bytes, limits: limits, defaultDType: defaultDType)
      let builder = limits.builder()
      let given = try FormulaInputs(source, text, bytes, inputs, builder).values
      let assembler = GraphAssembler(
        source, text, into: builder, limits: limits, defaultDType: defaultDType, embedsConstants: true)
      let outputs = try assembler.assemble(inputs: given)
      do throws(GraphError) {
        self = try builder.graph(outputs: outputs.map(\.value), names: outputs.map(\.name.string))
      } catch {
        throw assembler.problem(error)
      }
    } catch {
      throw FormulaError(error)
    }
  }
}

/// Why a formula is refused, and where.
public struct FormulaError: Error, Sendable, CustomStringConvertible {
  /// For programs: `invalid_formula`, or the code of the error that the graph has in any form.
  public let code: String
  /// What is wrong, what was expected, and how to mend it.
  public let message: String
  /// Both from 1, in Unicode scalars; nil if an input has the error.
  public let line: Int?
  public let column: Int?
  /// The line, and a mark below the place.
  public let excerpt: String?

  init(_ error: FormatError) {
    code = error.code.rawValue
    message = error.detail
    line = error.place?.line
    column = error.place?.column
    excerpt = error.place?.excerpt
  }

  public var description: String {
    guard let line, let column, let excerpt else { return message }
    return "\(line):\(column): \(message)\n\(excerpt)"
  }
}

/// Matches the inputs of a formula with the types that are given.
private struct FormulaInputs {
  private(set) var values: [NamedValue] = []

  init(
    _ source: GraphSource, _ text: any SourceText, _ bytes: FormulaBytes, _ types: [String: TensorType],
    _ builder: GraphBuilder
  ) throws(FormatError) {
    var rest = types
    var dimensions: [String: Int] = [:]
    func declare(_ name: SourceName, _ type: TensorType) {
      values.append(NamedValue(name: name, value: builder.input(name.string, type.dtype, type.shape)))
    }
    if let declared = source.declaredInputs {
      for (index, declaration) in zip(declared.indices, declared) {
        let name = declaration.name.string
        let type = rest.removeValue(forKey: name)
        if let dtype = declaration.dtype, let type, type.dtype != dtype {
          let words = "\(name) is declared as \(dtype), got \(type.dtype)"
          throw text.located(FormatError(.dtypeMismatch, words, at: ""), at: .declaration(index))
        }
        guard let shape = type?.shape ?? declaration.fallback?.shape else {
          let words = "the formula declares the input \(name), and no type is given for it"
          throw text.located(FormatError(.inputMismatch, words, at: ""), at: .declaration(index))
        }
        if let refusal = declaration.refusal(of: shape, &dimensions) {
          throw text.located(FormatError(.shapeMismatch, refusal, at: ""), at: .declaration(index))
        }
        if let type {
          declare(declaration.name, type)
        } else if let fallback = declaration.fallback {
          values.append(NamedValue(name: declaration.name, value: builder.constant(fallback)))
        }
      }
      if let other = rest.keys.min() {
        throw FormatError(.inputMismatch, "the formula declares no input \(other)", at: "")
      }
      return
    }
    for name in source.order { if let type = rest.removeValue(forKey: name.string) { declare(name, type) } }
    for (name, type) in rest.sorted(by: { $0.key < $1.key }) { declare(bytes.name(copying: Array(name.utf8)), type) }
  }
}
