/// Attributes that other libraries have under another name, or that have no like here, and what does instead.
enum LookedForAttributes {
  /// A clause to end an error with, for an attribute that an operation does not have.
  static func advice(for name: String, of reference: OperationReference) -> String? {
    if reference.operands.contains(name) { return "\(name) is an input: name it in inputs" }
    let known = reference.attributes.map(\.name)
    if let ours = renamed[name]?.first(where: known.contains) { return "it is called \(ours) here" }
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
    "begin": ["starts"], "start": ["starts"], "end": ["ends"], "stop": ["ends"], "strides": ["steps"], "step": ["steps"],
    "type": ["dtype"], "rcond": ["rtol"], "trans": ["transpose"], "num_bins": ["num_segments"],
  ]

  /// What there is no attribute for.
  private static let instead: [String: String] = [
    "descending": "flip along the axis, after it, does it", "reverse": "flip along the axis, before and after it, does it",
    "largest": "for the smallest take the negative before and after it", "sorted": "results are in order always",
    "stable": "equal elements keep their order always", "full_matrices": "the factors are those of the short form always",
    "compute_uv": "svdvals gives the singular values alone", "UPLO": "it is computed on (a + aᵀ) / 2",
    "uplo": "it is computed on (a + aᵀ) / 2", "symmetrize_input": "it is computed on (a + aᵀ) / 2 always",
    "hermitian": "for a symmetric matrix there is eigh", "upper": "lower false says the same",
    "tol": "rtol is relative to the largest",
    "unbiased": "correction 1 says the same, 0 the opposite", "bias": "correction 0 says the same, 1 the opposite",
    "right": "side \"right\" says the same", "indices_or_sections": "splits takes a count, or the sizes of the parts",
    "decimals": "div(round(mul(x, 10^decimals)), 10^decimals) does it",
    "dtype": "cast does it, before or after", "out": "a result is what the node's outputs name",
    "where": "apply the operation where to the operand first", "initial": "combine the result with that number in another node",
    "weights": "multiply by the weights first, and divide by their sum for a mean", "inplace": "values are never changed",
    "eps": "add it where it is needed, in a node of its own", "requires_grad": "wrt in the request says so",
    "pivoting": "there is no pivoted form", "training": "there is no mode of training", "name": "the node's outputs are its names",
  ]
}
