/// Attributes that other libraries have under another name, or that have no like here, and what does instead.
enum LookedForAttributes {
  /// A clause to end an error with, for an attribute that an operation does not have.
  static func advice(for name: String, of reference: OperationReference) -> String? {
    if reference.operands.contains(name) { return "\(name) is an input: name it in inputs" }
    let known = reference.attributes.map(\.name)
    if let ours = renamed[name]?.first(where: known.contains) { return "did you mean \(ours)?" }
    return instead[name] ?? NearestNames.find(name, among: known, within: 1).first.map { "did you mean \($0)?" }
  }

  /// What it is called here, the first of these that the operation has.
  static let renamed: [String: [String]] = [
    "dim": ["axis", "axes"], "dims": ["axes", "axis"], "axes": ["axis"], "axis": ["axes"], "perm": ["axes"],
    "keepdim": ["keepdims"], "keep_dims": ["keepdims"],
    "ddof": ["correction"],
    "interpolation": ["method"], "approximation": ["approximate"], "negative_slope": ["alpha"],
    "a_min": ["min"], "a_max": ["max"], "min_value": ["min"], "max_value": ["max"],
    "p": ["ord"], "ord": ["p"], "order": ["ord", "n"], "degree": ["n"], "power": ["n"],
    "diagonal": ["offset", "k"], "k": ["offset"], "offset": ["k"],
    "shape": ["size"], "size": ["shape"], "newshape": ["shape"], "dimension": ["axis"],
    "subscripts": ["equation"], "pattern": ["equation"],
    "sections": ["splits"], "chunks": ["splits"], "split_sizes": ["splits"],
    "reps": ["repetitions"], "repeats": ["repetitions"], "count": ["repeats", "k"], "shifts": ["shift"],
    "pad_width": ["widths"], "padding": ["widths"], "constant_values": ["value"], "fill_value": ["value"],
    "begin": ["starts"], "start": ["starts"], "end": ["ends"], "stop": ["ends"],
    "strides": ["steps"], "step": ["steps"],
    "type": ["dtype"], "rcond": ["rtol"], "trans": ["transpose"], "num_bins": ["num_segments"],
  ]

  /// What there is no attribute for.
  private static let instead: [String: String] = [
    "descending": "apply flip along the axis to the result",
    "reverse": "apply flip along the axis to the operand, and again to the result",
    "largest": "for the smallest, apply it to neg(x) and take neg of the values",
    "sorted": "results are always in order", "stable": "equal elements always keep their order",
    "full_matrices": "the factors are always those of the short form",
    "compute_uv": "svdvals gives the singular values alone", "UPLO": "it is computed on (a + aᵀ) / 2",
    "uplo": "it is computed on (a + aᵀ) / 2", "symmetrize_input": "it is always computed on (a + aᵀ) / 2",
    "hermitian": "for a symmetric matrix there is eigh", "upper": "lower false says the same",
    "tol": "rtol is relative to the largest singular value",
    "unbiased": "correction 1 says the same, 0 the opposite", "bias": "correction 0 says the same, 1 the opposite",
    "right": "side \"right\" says the same", "indices_or_sections": "splits takes a count, or the sizes of the parts",
    "decimals": "div(round(mul(x, 10^decimals)), 10^decimals) does it",
    "dtype": "use cast on the operand or on the result", "out": "a result is what the node's outputs name",
    "where": "apply the operation where to the operand first",
    "initial": "combine the result with that number in another node",
    "weights": "multiply by the weights first, and divide by their sum for a mean",
    "inplace": "values are never changed",
    "base": "div(log(x), log(base)) does it, and log2 and log10 are there",
    "eps": "add it in a node of its own", "requires_grad": "list the input in the request's wrt",
    "pivoting": "there is no pivoted form", "training": "there is no training mode",
    "name": "the node's outputs are its names",
  ]
}
