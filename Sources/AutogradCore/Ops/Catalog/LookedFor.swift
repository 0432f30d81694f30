/// What people look for that has no operation of its own, and what does it here: said in place of the nearest spelling,
/// which would compute something else. What they look for among attributes is in LookedForAttributes.swift.
enum LookedFor {
  /// A clause to end an error with: what does it, or that nothing does.
  static func advice(for name: String) -> String? { table[name] }

  /// Every name with its advice; names that are operations by now, or other names of some, are answered before this is
  /// asked.
  static let table: [String: String] = Dictionary(
    (functions + statistics + arrays + matrices + networks + programs).flatMap { entry in
      entry.names.split(separator: " ").map { (String($0), entry.advice) }
    }, uniquingKeysWith: { first, _ in first })

  private typealias Entry = (names: String, advice: String)

  private static let functions: [Entry] = [
    ("exp2", "pow(2, x) does it"), ("exp10", "pow(10, x) does it"), ("ldexp", "mul(x, pow(2, n)) does it"),
    ("lg log_10", "log10 is to base 10, log2 to base 2"), ("lb log_2", "log2(x) does it"),
    ("logb log_base", "div(log(x), log(base)) does it"),
    ("cbrt cube_root", "mul(sign(x), pow(abs(x), 0.3333333333333333)) does it"), ("abs2", "square(x) does it"),
    ("sec", "reciprocal(cos(x)) does it"), ("csc cosec", "reciprocal(sin(x)) does it"),
    ("cot cotan", "reciprocal(tan(x)) does it"),
    ("sech", "reciprocal(cosh(x)) does it"), ("csch", "reciprocal(sinh(x)) does it"),
    ("coth", "reciprocal(tanh(x)) does it"),
    ("degrees rad2deg", "mul(x, 57.29577951308232) does it"),
    ("radians deg2rad", "mul(x, 0.017453292519943295) does it"),
    ("logit", "sub(log(x), log1p(neg(x))) does it"), ("gamma tgamma", "exp(lgamma(x)) does it for x above 0"),
    ("factorial fact", "exp(lgamma(add(x, 1))) does it"),
    ("beta", "exp(sub(add(lgamma(a), lgamma(b)), lgamma(add(a, b)))) does it"),
    ("betaln lbeta", "sub(add(lgamma(a), lgamma(b)), lgamma(add(a, b))) does it"),
    ("binom comb choose nchoosek", "exp of lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) does it"),
    ("trigamma", "polygamma with n 1 does it"), ("erfcinv", "mul(-0.7071067811865476, ndtri(mul(0.5, x))) does it"),
    ("i0 bessel_i0", "mul(i0e(x), exp(abs(x))) does it"), ("i1 bessel_i1", "mul(i1e(x), exp(abs(x))) does it"),
    ("erfi dawsn wofz voigt fresnel", "there is none; erf, erfc, erfcx and ndtr are the functions of this kind"),
    ("log_erfc logerfc", "sub(log(erfcx(x)), square(x)) does it for x that is not negative"),
    (
      "lambertw spence sici shichi struve owens_t poch ellipk ellipe ellipj legendre hermite chebyshev", "there is none"
    ),
    ("multigammaln", "a sum of lgamma(a - i / 2), plus p (p - 1) / 4 ln π, does it"),
    ("xlog1py", "mul(x, log1p(y)) does it where x is not 0"), ("entr", "neg(xlogy(x, x)) does it"),
    ("rel_entr", "xlogy(x, div(x, y)) does it"), ("log_expit", "log_sigmoid(x) does it"),
    ("sinpi cospi", "sin or cos of mul(3.141592653589793, x) does it"),
    ("rgamma", "exp(neg(lgamma(x))) does it for x above 0"),
    ("polyval horner", "mul and add in turn, from the first coefficient on, do it"),
    ("polyfit", "lstsq of the matrix of powers does it"),
    ("lerp", "add(x, mul(w, sub(y, x))) does it"), ("signbit", "less(x, 0) does it; of -0 it is false"),
    ("isposinf", "equal(x, \"Infinity\") does it"), ("isneginf", "equal(x, \"-Infinity\") does it"),
    ("positive", "identity does it"), ("float_power", "pow does it, of operands cast to float64"),
    ("modf frexp", "there is none; trunc(x) and sub(x, trunc(x)) are the parts of a number"),
    ("bitwise_not left_shift right_shift", "there are no operations on bits"),
    ("gcd lcm", "there is none"), ("piecewise", "where of where does it"),
    ("perm", "exp of lgamma(n + 1) - lgamma(n - k + 1) does it"),
    ("dnorm normpdf", "mul(0.3989422804014327, exp(mul(-0.5, square(x)))) does it"),
    ("j0 j1 jn jv iv besselj y0 y1 yn yv bessely kv besselk airy", "there is no such Bessel function"),
    ("heaviside step", "where(less(x, 0), 0, where(equal(x, 0), h, 1)) does it, h being the value at 0; NaN gives 1"),
    ("fmod rem", "sub(x, mul(y, trunc(div(x, y)))) does it; remainder takes the sign of y"),
    (
      "sqrtm logm cosm sinm signm funm",
      "there is none; of a symmetric matrix eigh and the function of its values do it"
    ),
    ("exp1 expi expn expint", "there is no exponential integral"), ("logaddexp2", "logaddexp is to base e"),
    ("fma addcmul", "add(mul(x, y), z) does it"), ("floor_divide floordiv fdiv", "floor(div(x, y)) does it"),
    ("divmod", "floor(div(x, y)) and remainder(x, y) do it"),
    ("relu6", "clip with min 0 and max 6 does it"),
    ("copysign", "mul(abs(x), sign(y)) does it where y is not 0"), ("frac", "sub(x, trunc(x)) does it"),
    ("nextafter", "there is none"),
    ("isclose allclose", "less_equal(abs(sub(x, y)), tolerance) does it"), ("array_equal", "all(equal(x, y)) does it"),
    ("real imag conj conjugate angle complex", "there are no complex numbers"),
    (
      "fft ifft rfft irfft fft2 fftn dct stft", "there is none; matmul with a matrix of cosines does it for small sizes"
    ),
  ]

  private static let statistics: [Entry] = [
    ("cov covariance", "matmul of sub(x, mean(x)) with its transpose, divided by n - 1, does it"),
    (
      "corrcoef corr cor pearsonr", "the covariance, divided by the standard deviations of both: mean, sub, matmul, std"
    ),
    ("nansum", "sum(where(isnan(x), 0, x)) does it"), ("nanprod", "prod(where(isnan(x), 1, x)) does it"),
    ("nanmax", "max(where(isnan(x), \"-Infinity\", x)) does it"),
    ("nanmin", "min(where(isnan(x), \"Infinity\", x)) does it"),
    ("nanmean", "the sum of where(isnan(x), 0, x), divided by the sum of where(isnan(x), 0, 1), does it"),
    ("nanvar nanstd nanmedian nanquantile nanpercentile", "there is none that leaves NaN out"),
    ("nan_to_num nanfill fillna", "where(isnan(x), 0, x) does it"), ("ptp", "sub(max(x), min(x)) does it"),
    ("rms", "sqrt(mean(square(x))) does it"),
    ("mse mse_loss mean_squared_error", "mean(square(sub(x, y))) does it"),
    ("mae l1_loss mean_absolute_error", "mean(abs(sub(x, y))) does it"),
    ("zscore standardize normalize", "div(sub(x, mean(x)), std(x)) does it"),
    ("mode unique", "there is none: its result's shape depends on numbers"),
    ("var_mean", "var and mean, two nodes, do it"), ("std_mean", "std and mean, two nodes, do it"),
    ("nanargmax nanargmin", "argmax or argmin of where(isnan(x), …) does it"),
    ("sumsq", "sum(square(x)) does it"), ("l2_norm l2norm", "norm does it"),
    ("trimmed_mean winsorize", "there is none; clip to two quantiles, then mean, does nearly that"),
    ("moving_average rolling_mean", "mean over the last axis of unfold does it"),
    ("ema lfilter sosfilt", "there are no recurrences but cumsum and the like: write the steps as nodes"),
    ("skew kurtosis moment", "mean(pow(sub(x, mean(x)), n)), divided by pow(std(x), n), does it"),
    ("count_nonzero", "sum(not_equal(x, 0)) does it"),
    ("histogram hist", "segment_sum of ones, with searchsorted of the edges for numbers, does it"),
    ("sem", "div(std(x), sqrt(n)) with correction 1 does it"), ("weighted_mean", "div(sum(mul(w, x)), sum(w)) does it"),
    (
      "rand randn random uniform normal randint bernoulli dropout multinomial choice shuffle",
      "there are no random numbers: give them as an input"
    ),
  ]

  private static let arrays: [Entry] = [
    (
      "arange linspace range iota empty",
      "write the numbers as a constant or an input"
    ),
    (
      "eye identity_matrix",
      "the identity is diag of ones, diag([1, 1, 1]); write the numbers as a constant or an input"
    ),
    (
      "zeros ones zeros_like ones_like",
      "a number is broadcast to any shape: use 0 or 1, or write the numbers as a constant or an input"
    ),
    ("logspace geomspace meshgrid indices", "write the numbers as an input; broadcasting makes grids of them"),
    (
      "size shape len numel ndim rank shape_of",
      "shapes are known before anything runs: write the number"
    ),
    (
      "nonzero argwhere masked_select compress extract boolean_mask",
      "there is none: its result's shape depends on numbers; where keeps the shape"
    ),
    ("one_hot onehot", "equal(expand_dims(indices, axis -1), [0, 1, …]), cast to a float, does it"),
    ("masked_fill putmask", "where(mask, value, x) does it"),
    ("partition", "sort does it, or top_k for the largest"), ("lexsort", "there is none; argsort is stable"),
    ("contiguous clone", "identity does it; values are never changed in place"),
    ("mt adjoint", "transpose with axes does it; without them it turns all axes round"),
    ("full_like", "write the number: it is broadcast"), ("tensor_split", "split does it"),
    ("take_along_dim", "take_along_axis does it"), ("index_copy", "scatter does it"),
    ("clamp_min", "maximum(x, min) or clip does it"), ("clamp_max", "minimum(x, max) or clip does it"),
    ("rollaxis", "transpose does it"), ("atleast_1d atleast_2d atleast_3d", "reshape or expand_dims does it"),
    ("broadcast_arrays", "broadcast_to does it, for each"), ("dynamic_update_slice", "scatter does it"),
    ("insert delete place flatnonzero", "concat of slices does it where the places are known beforehand"),
    ("reduce fold", "there is no reduction by a function: sum, prod, max, min, logsumexp, any and all are there"),
    ("to_float", "cast with dtype float32 or float64 does it"), ("add_n", "sum of their stack does it"),
    ("cumlogsumexp", "logcumsumexp does it"),
    ("interp1d spline resample", "there is none; searchsorted and take find the neighbours"),
    ("rot90", "transpose(x), then flip along axis 0, does it"),
    ("vstack row_stack", "stack does it for vectors, concat along axis 0 for matrices"),
    ("hstack", "concat does it, along axis 1 for matrices"),
    ("column_stack", "stack along axis 1 does it for vectors, concat along axis 1 for matrices"),
    ("dstack", "stack along axis 2 does it for matrices"),
    ("block", "concat of concats does it"),
    ("gather_nd", "take of the reshaped tensor at flat indices does it"),
    ("scatter_nd", "index_add to the reshaped tensor at flat indices does it"),
    ("vecdot", "sum(mul(x, y)) over the last axis does it"), ("vdot", "sum(mul(x, y)) does it"),
    ("inner", "tensordot of the last axes does it"),
    ("addmm baddbmm", "add(c, matmul(a, b)) does it"),
    ("triu_indices tril_indices", "write the indices as an input"), ("vec", "reshape with shape [-1] does it"),
    ("interp", "there is none; searchsorted and take find the neighbours"),
    ("cumtrapz cumulative_trapezoid", "cumsum of the trapezoids does it: diff(x) times the means of neighbours in y"),
    ("int integer long bool", "cast with its dtype does it"),
    ("half float16 bfloat16", "there is none: cast to float32"),
    ("segment_mean", "div of two segment_sum, the second one of ones, does it"),
    ("segment_min", "neg(segment_max(neg(x))) does it"),
  ]

  private static let matrices: [Entry] = [
    ("eig eigvals", "there is none for matrices that are not symmetric; eigh and eigvalsh are for symmetric ones"),
    ("lu lu_factor lu_solve ldl", "there is none alone; solve, det, slogdet and inv factorise by themselves"),
    ("cho_solve cho_factor", "solve_triangular with the factor of cholesky, then with its transpose, does it"),
    ("cholesky_inverse", "inv(matmul(l, transpose(l))) does it"),
    ("cond condition_number", "the quotient of the first and the last of svdvals does it; to choose, where does it"),
    ("rank", "matrix_rank is the rank of a matrix; the number of axes is known before anything runs"),
    ("chain_matmul multi_dot", "einsum of all of them does it, in the order of least work"),
    ("matrix_norm frobenius", "norm over both axes is Frobenius'; sum or max of svdvals are the other two"),
    ("nuclear_norm", "sum(svdvals(a)) does it"), ("spectral_norm", "max(svdvals(a)) does it"),
    ("fractional_matrix_power", "of a symmetric matrix eigh and pow of its values do it; matrix_power takes integers"),
    ("householder ormqr orgqr", "qr gives q itself"), ("tensorinv tensorsolve", "reshape, then inv or solve, does it"),
    ("vander vandermonde", "pow(expand_dims(x, axis -1), [0, 1, …]) does it"),
    ("toeplitz hankel circulant", "take at an index matrix, written as a constant, does it"),
    ("block_diag", "concat with blocks of zeros does it"),
  ]

  private static let networks: [Entry] = [
    ("linear dense fully_connected", "add(matmul(x, w), b) does it; weights of PyTorch are transposed first"),
    ("conv conv1d conv2d conv3d convolve correlate", "there is none; unfold and einsum do it for a few axes"),
    ("maxpool max_pool max_pool1d max_pool2d", "max over the last axis of unfold does it"),
    ("avgpool avg_pool average_pool avg_pool1d avg_pool2d", "mean over the last axis of unfold does it"),
    (
      "cross_entropy crossentropy nll_loss softmax_cross_entropy",
      "neg(take_along_axis(log_softmax(x), labels)) does it, labels having a last axis of size 1"
    ),
    ("bce bce_with_logits binary_cross_entropy", "sub(softplus(x), mul(x, y)) does it for logits x"),
    ("kl_div kl_divergence", "sum(xlogy(p, div(p, q))) does it"),
    ("huber smooth_l1 huber_loss smooth_l1_loss", "where(less(abs(x), 1), 0.5 x², |x| - 0.5) does it"),
    (
      "layer_norm layernorm batch_norm batchnorm instance_norm group_norm",
      "div(sub(x, mean(x)), sqrt(add(var(x), 1e-5))) over its axes does it"
    ),
    ("rms_norm rmsnorm", "div(x, sqrt(add(mean(square(x)), 1e-5))) over its axes does it"),
    ("gelu_tanh gelu_new", "gelu with approximate \"tanh\" does it"),
    ("celu", "elu does it for alpha 1; else mul(alpha, elu(div(x, alpha)))"), ("softmin", "softmax(neg(x)) does it"),
    ("tanhshrink", "sub(x, tanh(x)) does it"), ("hardshrink", "where(less_equal(abs(x), 0.5), 0, x) does it"),
    ("softshrink", "mul(sign(x), relu(sub(abs(x), 0.5))) does it"),
    ("threshold", "where(greater(x, threshold), x, value) does it"), ("sparsemax", "there is none"),
    ("softargmax", "sum(mul(softmax(x), [0, 1, …])) does it"),
    ("mish", "mul(x, tanh(softplus(x))) does it"), ("softsign", "div(x, add(1, abs(x))) does it"),
    ("selu", "mul(1.0507009873554805, elu(x)) with alpha 1.6732632423543772 does it"),
    ("hardsigmoid hard_sigmoid", "clip of x / 6 + 0.5 to 0 and 1 does it"),
    ("hardswish hard_swish", "mul(x, clip) with the clip of x / 6 + 0.5 to 0 and 1 does it"),
    ("prelu", "where(less(x, 0), mul(a, x), x) does it"), ("glu", "split in two, then mul(x, sigmoid(y)), does it"),
    ("cosine_similarity", "div(sum(mul(x, y)), mul(norm(x), norm(y))) does it"),
    (
      "attention scaled_dot_product_attention",
      "matmul(softmax(matmul(q, transpose(k))), v) does it, scaled before softmax"
    ),
    ("lstm gru rnn", "there is none: write its steps as nodes"),
  ]

  private static let programs: [Entry] = [
    ("ifelse if iif", "where(condition, x, y) does it"),
    ("vmap map batch", "the request's member batch runs a graph for many examples"),
    (
      "for while while_loop fori_loop loop scan recur",
      "there are no loops: write the steps as nodes, or use cumsum and the like"
    ),
    ("jacobian jac jacrev jacfwd", "POST /v1/jacobian answers it"), ("hessian", "POST /v1/hessian answers it"),
    ("jvp", "POST /v1/jvp answers it"),
    ("hvp", "POST /v1/hvp answers it"), ("vjp", "POST /v1/evaluate with cotangents answers it"),
    ("custom_vjp custom_jvp", "there are none over HTTP; in Swift a CustomOperation has its own derivative"),
    ("checkpoint remat", "there is no need: nothing is kept that is not needed"),
    ("print assert", "there is none: list the value as an output"),
    ("ode odeint ode_solve solve_ivp", "there is none: write its steps as nodes"),
  ]
}
