import AutogradCore

/// Functions of other languages, and calls with operands that are attributes here.
extension FormulaHints {
  /// What does the work of functions of other languages that no operation is named after.
  static func call(_ name: String) -> String? {
    if let row = calls.first(where: { "\($0.written)" == name }) { return "\(row.mend)" }
    // Spreadsheets write them in capitals.
    guard name.count > 1, name == name.uppercased() else { return nil }
    let small = name.lowercased()
    return calls.first { "\($0.written)" == small }.map { "\($0.mend)" }
  }

  static let calls: [Row] = [
    // Python
    ("len", "sizes are known beforehand: write the number"), ("print", "every result that nothing takes is an output"),
    ("range", "write the numbers, as in [0, 1, 2]"), ("list", "a list of numbers is written [1, 2]"),
    ("array", "a list of numbers is written [1, 2]"), ("tensor", "a list of numbers is written [1, 2]"),
    ("float", "write cast(x, dtype=\"float64\")"), ("int", "write cast(x, dtype=\"int64\")"),
    ("lambda", "a function is written def f(x) { … }"),
    ("not", "not is written ~"), ("if", "a choice is where(c, x, y)"), ("while", "operations work on whole tensors"),
    ("for", "operations work on whole tensors"), ("map", "operations work on whole tensors"),
    ("vmap", "the request's member batch runs a formula for many examples"),
    // R
    ("c", "a list of numbers is written [1, 2], and values are put together by stack(a, b)"),
    ("pnorm", "ndtr(x) does it, which is 0.5 * erfc(-x / sqrt(2))"), ("ifelse", "write where(c, x, y)"),
    ("function", "a function is written def f(x) { … }"), ("seq", "write the numbers, as in [1, 2, 3]"),
    ("rep", "write the numbers, or let one be broadcast"), ("matrix", "a matrix is written [[1, 2], [3, 4]]"),
    ("pmax", "write maximum(x, y)"), ("pmin", "write minimum(x, y)"), ("sd", "write std(x, correction=1)"),
    ("length", "sizes are known beforehand: write the number"),
    ("nrow", "sizes are known beforehand: write the number"),
    ("ncol", "sizes are known beforehand: write the number"), ("rnorm", "give random numbers as an input"),
    ("runif", "give random numbers as an input"), ("colSums", "write sum(x, axis=0)"),
    ("rowSums", "write sum(x, axis=1)"), ("colMeans", "write mean(x, axis=0)"), ("rowMeans", "write mean(x, axis=1)"),
    ("cbind", "write stack(x, y, axis=1) for vectors, concat(x, y, axis=1) for matrices"),
    ("rbind", "write stack(x, y) for vectors, concat(x, y) for matrices"), ("crossprod", "write x.T @ y"),
    ("apply", "operations work on whole tensors"), ("sapply", "operations work on whole tensors"),
    ("lapply", "operations work on whole tensors"), ("order", "write argsort(x)"),
    ("which", "its result's shape would depend on numbers; where(c, x, 0) keeps it"),
    ("library", "every operation is there: leave the line away"),
    ("stopifnot", "give the condition a name and return it"), ("paste", "there are no texts among values"),
    // MATLAB
    ("mtimes", "write a @ b"), ("rdivide", "write a / b"), ("mldivide", "write solve(a, b)"),
    ("horzcat", "write concat(x, y, axis=1)"), ("vertcat", "write concat(x, y)"),
    ("bsxfun", "operators broadcast by themselves: x + y"), ("arrayfun", "operations work on whole tensors"),
    ("find", "its result's shape would depend on numbers; where(c, x, 0) keeps it"),
    ("isempty", "sizes are known beforehand"), ("disp", "every result that nothing takes is an output"),
    ("fprintf", "every result that nothing takes is an output"), ("double", "write cast(x, dtype=\"float64\")"),
    ("single", "write cast(x, dtype=\"float32\")"), ("logical", "write x != 0"),
    // Julia
    ("collect", "write the numbers, as in [1, 2, 3]"), ("tr", "write trace(x)"), ("fill", "let a number be broadcast"),
    ("Float64", "write cast(x, dtype=\"float64\")"), ("Float32", "write cast(x, dtype=\"float32\")"),
    ("Int", "write cast(x, dtype=\"int64\")"), ("println", "every result that nothing takes is an output"),
    // Spreadsheets
    ("sumproduct", "write sum(x * y)"), ("mmult", "write a @ b"), ("minverse", "write inv(x)"),
    ("mdeterm", "write det(x)"), ("stdev", "write std(x, correction=1)"), ("pi", "write const pi = 3.141592653589793"),
    ("sumif", "write sum(where(c, x, 0))"), ("iferror", "write where(isnan(x), 0, x)"), ("na", "write NaN"),
    ("count", "sizes are known beforehand: write the number"), ("rand", "give random numbers as an input"),
  ]

  // MARK: Members

  private static let modules: Set = [
    "np", "numpy", "torch", "jnp", "jax", "tf", "math", "Math", "scipy", "F", "nn", "linalg", "special", "stats",
  ]

  /// `x.sum()`, `np.sum(x)`, `x.shape`
  /// - Parameters:
  ///   - arguments: what stands in the parentheses of a call.
  ///   - isPath: whether other members stand between, as in `np.linalg.norm(x)`.
  static func member(_ member: String, of owner: String, arguments: String?, isPath: Bool = false) -> String {
    let isModule = modules.contains(owner) || isPath
    if ["shape", "size", "ndim", "dtype", "length"].contains(member) {
      return "sizes and dtypes are known beforehand: write the number"
    }
    // A number, a postfix or a bracket is no name to repeat.
    let value = owner.first.map { $0.isLetter } ?? false ? owner : "x"
    if let row = members.first(where: { "\($0.written)" == member }) {
      return "\(row.mend)".replacing("VALUE", with: isModule ? "a" : value)
    }
    if modules.contains(member) || ["random", "functional", "fft"].contains(member) {
      return "operations are called by their names alone: norm(x)"
    }
    if isModule, arguments == nil {
      return number(member).map { "write \($0)" } ?? "\(member) is written out, as in const pi = 3.141592653589793"
    }
    let operation = OpCatalog.operation(named: member) == nil ? OpCatalog.suggestions(for: member).first : member
    guard let operation else { return "operations are called by their names: sum(x)" }
    if isPath { return "operations are called by their names alone: \(operation)(\(arguments ?? "x"))" }
    if isModule { return "write \(operation)(\(arguments ?? "x"))" }
    return "write \(operation)(\(value)\(arguments?.isEmpty ?? true ? "" : ", …"))"
  }

  private static let members: [Row] = [
    ("astype", "write cast(VALUE, dtype=\"float32\")"), ("to", "write cast(VALUE, dtype=\"float32\")"),
    ("reshape", "write reshape(VALUE, shape=[2, 3])"), ("view", "write reshape(VALUE, shape=[2, 3])"),
    ("dot", "write VALUE @ b"), ("matmul", "write VALUE @ b"), ("array", "a list of numbers is written [1, 2]"),
    ("tensor", "a list of numbers is written [1, 2]"), ("newaxis", "a new axis is None, as in x[:, None]"),
    ("na", "write isnan(x)"), ("rm", "leave NaN out by sum(where(isnan(x), 0, x))"),
    ("cdf", "the normal distribution's is ndtr(x)"), ("logcdf", "the normal distribution's is log_ndtr(x)"),
    ("ppf", "the normal distribution's is ndtri(x)"), ("eye", "write diag([1, 1, 1])"),
    ("item", "write VALUE[0], or nothing for a value without axes"), ("detach", "write stop_gradient(VALUE)"),
    ("grad", "a gradient is grad(y, VALUE)"), ("backward", "answers hold the gradients, and grad(y, x) is one"),
  ]

  // MARK: Arity

  /// A call with more operands than the operation takes, written as it is probably meant.
  static func arity(_ reference: OperationReference, _ operands: [String]) -> String? {
    let (name, most) = (reference.name, reference.operands.count)
    guard !reference.hasManyOperands, operands.count > most, most > 0 else { return nil }
    let given = operands[..<most]
    let extra = operands[most...].filter { $0 != "[]" }
    func write(_ attributes: [String]) -> String {
      "write \(name)(\((given + attributes).joined(separator: ", ")))"
    }
    // Of max, min and the like there is one of two operands; MATLAB's max(x, [], 1) is none of those.
    if extra.count == operands.count - most, OpCatalog.operation(named: name + "imum") != nil {
      return "write " + operands.dropFirst().reduce(operands[0]) { "\(name)imum(\($0), \($1))" }
    }
    switch name {
    case "round": return "write round(\(operands[0]) * 100) / 100 for two decimals"
    case "log": return "write log(\(operands[0])) / log(\(operands[1]))"
    case "diff" where extra.contains { Double($0) == nil }: return "a derivative is grad(y, x)"
    default: break
    }
    // The order of a norm comes first wherever it is an operand.
    if extra.count == 1, reference.attributes.contains(where: { $0.name == "ord" }) {
      return write(["ord=\(extra[0])"])
    }
    // What is no literal is no attribute.
    guard extra.allSatisfy({ Double($0) != nil || $0.hasPrefix("[") || ["true", "false"].contains($0) }) else {
      return nil
    }
    if let first = reference.attributes.first, extra.count > 1 || operands.count - most > extra.count,
      ["shape", "repetitions", "axes"].contains(first.name), !extra.contains(where: { $0.hasPrefix("[") })
    {
      // MATLAB's reshape(x, [], 2)
      let sizes = operands[most...].map { $0 == "[]" ? "-1" : $0 }
      return write(["\(first.name)=[\(sizes.joined(separator: ", "))]"])
    }
    guard !extra.isEmpty, extra.count <= reference.attributes.count else { return nil }
    return write(zip(reference.attributes, extra).map { "\($0.name)=\($1)" })
  }
}
