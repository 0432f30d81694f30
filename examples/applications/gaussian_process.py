"""How long does the river Nile remember? A Gaussian process fitted to a hundred years of its floods.

The yearly flows y are taken as one draw of a normal distribution over all the years together. How strongly two years belong together
depends on the time between them, and every year has noise of its own:

    K[i, j] = amplitude e^(-(year_i - year_j)² / (2 length²))  +  noise if i = j

The likelihood of the data says how good a guess of amplitude, length and noise is. Written with the Cholesky factor L of K it is

    log p = -|z|²/2 - Σ ln L[i, i] - n/2 ln 2π,   z solves L z = y

and the server differentiates through `cholesky` and `solve_triangular`. The parameters are given as logarithms, so that they stay
positive whatever a minimiser tries. Two ways of checking: the gradient written out by hand, and scikit-learn.
"""

import math

from autograd import Server, node
from comparison import Comparison
from lbfgs import minimise

# Volume of the Nile at Aswan, 1871 to 1970, in 10^8 cubic metres: Cobb, "The problem of the Nile", Biometrika 65 (1978); R's `Nile`.
NILE = [
    1120, 1160, 963, 1210, 1160, 1160, 813, 1230, 1370, 1140, 995, 935, 1110, 994, 1020, 960, 1180, 799, 958, 1140,
    1100, 1210, 1150, 1250, 1260, 1220, 1030, 1100, 774, 840, 874, 694, 940, 833, 701, 916, 692, 1020, 1050, 969,
    831, 726, 456, 824, 702, 1120, 1100, 832, 764, 821, 768, 845, 864, 862, 698, 845, 744, 796, 1040, 759,
    781, 865, 845, 944, 984, 897, 822, 1010, 771, 676, 649, 846, 812, 742, 801, 1040, 860, 874, 848, 890,
    744, 749, 838, 1050, 918, 986, 797, 923, 975, 815, 1020, 906, 901, 1170, 912, 746, 919, 718, 714, 740,
]
YEARS = [float(1871 + i) for i in range(len(NILE))]
FLOWS = [(flow - 919.35) / 100 for flow in NILE]  # 919.35 is the mean

GRAPH = {
    "inputs": [
        {"name": "year", "dtype": "float64", "shape": ["n"]},
        {"name": "flow", "dtype": "float64", "shape": ["n"]},
        {"name": "parameters", "dtype": "float64", "shape": [3]},
    ],
    "nodes": [
        # The three parameters, out of their logarithms.
        node("exp", "parameters", to="positive"),
        node("unstack", "positive", to=["amplitude", "length", "noise"]),
        # The kernel matrix: a column of years against a row of years gives all pairs.
        node("expand_dims", "year", to="column", axis=1),
        node("sub", "column", "year", to="apart"),
        node("div", "apart", "length", to="scaled"),
        node("square", "scaled", to="squared"),
        node("mul", "squared", -0.5, to="exponent"),
        node("exp", "exponent", to="closeness"),
        node("mul", "amplitude", "closeness", to="smooth"),
        node("equal", "column", "year", to="same"),
        node("where", "same", "noise", 0.0, to="rough"),
        node("add", "smooth", "rough", to="kernel"),
        # The likelihood.
        node("cholesky", "kernel", to="factor"),
        node("solve_triangular", "factor", "flow", to="z"),
        node("square", "z", to="z_squared"),
        node("sum", "z_squared", to="misfit"),
        node("mul", "misfit", -0.5, to="fit"),
        node("diagonal", "factor", to="pivots"),
        node("log", "pivots", to="log_pivots"),
        node("sum", "log_pivots", to="volume"),
        node("sub", "fit", "volume", to="unnormalised"),
        node("sub", "unnormalised", len(NILE) / 2 * math.log(2 * math.pi), to="likelihood"),
        # The same once more without the factor, by a general solver and a determinant.
        node("solve", "kernel", "flow", to="weights"),
        node("mul", "flow", "weights", to="weighted"),
        node("sum", "weighted", to="misfit_again"),
        node("slogdet", "kernel", to=["sign", "log_determinant"]),
        node("add", "misfit_again", "log_determinant", to="twice"),
        node("mul", "twice", -0.5, to="unnormalised_again"),
        node("sub", "unnormalised_again", len(NILE) / 2 * math.log(2 * math.pi), to="likelihood_again"),
    ],
    "outputs": ["likelihood", "likelihood_again"],
}

# GaussianProcessRegressor.log_marginal_likelihood(theta, eval_gradient=True) of scikit-learn 1.9.1, for
# ConstantKernel() * RBF() + WhiteKernel() and alpha=0, at parameters (ln amplitude, ln length, ln noise).
SCIKIT_LEARN = [
    ((0.0, math.log(10), 0.0), -189.42959080565964, (1.2694274656853155, -6.346444241280759, 35.99714212188819)),
    ((1.0, 2.0, 1.0), -184.59991330234615, (-2.593805812594765, 1.1063218930784295, -16.807825175079113)),
    ((1.0, 3.0, 0.5), -180.52192693251067, (-1.4396507907396552, 1.6548225887992665, 6.751015273209017)),
]

# Where that likelihood has its maxima, found with it by the BFGS of SciPy 1.17.1: from a short length of time, and from a long one.
MAXIMA = [
    ((0.0, math.log(3), 0.5), (0.34573675, 0.95118016, 0.29825999), -177.8230128830),
    ((0.0, math.log(40), 0.5), (0.20053089, 3.16523779, 0.63728816), -179.2263481577),
]


def likelihood(server, parameters, of="likelihood"):
    inputs = {"year": YEARS, "flow": FLOWS, "parameters": list(parameters)}
    answer = server.post("evaluate", graph=GRAPH, inputs=inputs, of=[of], wrt=["parameters"], outputs=[of])
    return answer["outputs"][of], answer["gradients"]["parameters"]


def by_hand(parameters):
    """The same value and gradient in plain Python, where the derivative by a parameter p is (aᵀ dK/dp a - trace(K⁻¹ dK/dp)) / 2 with
    a = K⁻¹ y."""
    amplitude, length, noise = (math.exp(p) for p in parameters)
    n = range(len(YEARS))
    squares = [[((s - t) / length) ** 2 for t in YEARS] for s in YEARS]
    smooth = [[amplitude * math.exp(-square / 2) for square in row] for row in squares]
    kernel = [[smooth[i][j] + (noise if i == j else 0.0) for j in n] for i in n]
    inverse, log_determinant = inverse_and_log_determinant(kernel)
    a = [sum(p * q for p, q in zip(row, FLOWS)) for row in inverse]
    value = -0.5 * (sum(p * q for p, q in zip(a, FLOWS)) + log_determinant + len(a) * math.log(2 * math.pi))

    slopes = [
        smooth,  # by ln amplitude
        [[s * q for s, q in zip(*rows)] for rows in zip(smooth, squares)],  # by ln length
        [[noise if i == j else 0.0 for j in n] for i in n],  # by ln noise
    ]
    return value, [0.5 * sum((a[i] * a[j] - inverse[i][j]) * slope[i][j] for i in n for j in n) for slope in slopes]


def inverse_and_log_determinant(matrix):
    """Of a positive definite matrix, by its Cholesky factor L, row by row, and the inverse of L."""
    n = len(matrix)
    factor, inverse = [], []
    for i in range(n):
        row = []
        for j in range(i + 1):
            rest = matrix[i][j] - sum(p * q for p, q in zip(row, factor[j] if j < i else row))
            row.append(rest / factor[j][j] if j < i else math.sqrt(rest))
        factor.append(row)
        unit = [0.0] * i + [1.0]
        inverse.append([(u - sum(row[k] * inverse[k][j] for k in range(j, i))) / row[i] for j, u in enumerate(unit)])
    product = [[sum(inverse[k][i] * inverse[k][j] for k in range(max(i, j), n)) for j in range(n)] for i in range(n)]
    return product, 2 * sum(math.log(factor[i][i]) for i in range(n))


def main():
    server, comparison = Server(), Comparison()

    def compare(title, reference, ours, theirs):
        comparison.title(title, reference)
        names = ["likelihood", "  slope in ln amplitude", "  slope in ln length", "  slope in ln noise"]
        for name, a, b in zip(names, (ours[0], *ours[1]), (theirs[0], *theirs[1])):
            comparison.row(name, a, b, tolerance=1e-9)

    for parameters, value, slopes in SCIKIT_LEARN:
        title = "amplitude {:.3g}, length {:.3g} years, noise {:.3g}".format(*(math.exp(p) for p in parameters))
        ours = likelihood(server, parameters)
        compare(title, "scikit-learn", ours, (value, slopes))
        compare(title, "by hand", ours, by_hand(parameters))
        compare(title, "solve and slogdet", ours, likelihood(server, parameters, of="likelihood_again"))

    def downhill(parameters):
        value, slopes = likelihood(server, parameters)
        return -value, [-slope for slope in slopes]

    # The likelihood has two maxima, as is quite common, and they tell different stories: either the river remembers for two or three
    # years, or the floods change over decades and all else is noise. The data slightly prefer the first.
    for start, best, value in MAXIMA:
        found = minimise(downhill, start, gradient_tolerance=1e-7)
        comparison.title(f"The maximum uphill from {math.exp(start[1]):.0f} years, {found.evaluations} requests", "scikit-learn")
        comparison.row("likelihood", -found.value, value, tolerance=1e-9)
        for name, a, b in zip(["ln amplitude", "ln length", "ln noise"], found.x, best):
            comparison.row(name, a, b, tolerance=1e-6)
        print(f"  a memory of {math.exp(found.x[1]):.1f} years")

    comparison.finish()


if __name__ == "__main__":
    main()
