"""Logistic regression, fitted by Newton's method to two data sets that every statistics course knows.

What is modelled is the probability that something happens, y = 1, given a row of numbers x:  p = 1 / (1 + e^(-x·b)).  The coefficients
b are those that make what was observed most likely. The logarithm of that likelihood is all that the graph has to say:

    likelihood = Σ  y (x·b) - softplus(x·b),   softplus(z) = ln(1 + e^z)

/v1/hessian answers with the value, the gradient and the Hessian at once, which is one step of Newton's method. At the maximum the same
Hessian tells how sure one can be: minus its inverse is the covariance of the estimates, and the roots of its diagonal are the standard
errors. The operation softplus stays finite where a literal ln(1 + e^z) overflows.
"""

import math

from autograd import Server, node
from comparison import Comparison

GRAPH = {
    "inputs": [
        {"name": "x", "shape": ["rows", "coefficients"], "dtype": "float64"},
        {"name": "y", "shape": ["rows"], "dtype": "float64"},
        {"name": "b", "shape": ["coefficients"], "dtype": "float64"},
    ],
    "nodes": [
        node("matmul", "x", "b", to="log_odds"),
        node("mul", "y", "log_odds", to="happened"),
        node("softplus", "log_odds", to="normalisation"),
        node("sub", "happened", "normalisation", to="each"),
        node("sum", "each", to="likelihood"),
    ],
    "outputs": ["likelihood"],
}

# Does a new way of teaching economics (PSI) help? 32 students: grade point average, score of a test beforehand (TUCE), whether they were
# taught that way, and whether their grade improved. Spector and Mazzeo, "Probit Analysis and Economic Education", Journal of Economic
# Education 11 (1980), which is also the example for binary choice in W. H. Greene, Econometric Analysis.
STUDENTS = [
    (2.66, 20, 0, 0), (2.89, 22, 0, 0), (3.28, 24, 0, 0), (2.92, 12, 0, 0), (4.00, 21, 0, 1), (2.86, 17, 0, 0), (2.76, 17, 0, 0),
    (2.87, 21, 0, 0), (3.03, 25, 0, 0), (3.92, 29, 0, 1), (2.63, 20, 0, 0), (3.32, 23, 0, 0), (3.57, 23, 0, 0), (3.26, 25, 0, 1),
    (3.53, 26, 0, 0), (2.74, 19, 0, 0), (2.75, 25, 0, 0), (2.83, 19, 0, 0), (3.12, 23, 1, 0), (3.16, 25, 1, 1), (2.06, 22, 1, 0),
    (3.62, 28, 1, 1), (2.89, 14, 1, 0), (3.51, 26, 1, 0), (3.54, 24, 1, 1), (2.83, 27, 1, 1), (3.39, 17, 1, 1), (2.67, 24, 1, 0),
    (3.65, 21, 1, 1), (4.00, 23, 1, 1), (3.10, 21, 1, 0), (2.39, 19, 1, 1),
]

# The 23 flights of the space shuttle before Challenger's last: temperature at the launch in °F, and whether an O-ring was damaged.
# Dalal, Fowlkes and Hoadley, "Risk Analysis of the Space Shuttle", Journal of the American Statistical Association 84 (1989).
FLIGHTS = [
    (66, 0), (70, 1), (69, 0), (68, 0), (67, 0), (72, 0), (73, 0), (70, 0), (57, 1), (63, 1), (70, 1), (78, 0),
    (67, 0), (53, 1), (67, 0), (75, 0), (70, 0), (81, 0), (76, 0), (79, 0), (75, 1), (76, 0), (58, 1),
]


def inverse(matrix):
    """By Gauss and Jordan; a Hessian of a few rows needs no more."""
    size = len(matrix)
    rows = [list(row) + [float(i == j) for j in range(size)] for i, row in enumerate(matrix)]
    for i in range(size):
        pivot = max(range(i, size), key=lambda r: abs(rows[r][i]))
        rows[i], rows[pivot] = rows[pivot], rows[i]
        rows[i] = [value / rows[i][i] for value in rows[i]]
        for r in range(size):
            if r != i:
                rows[r] = [a - rows[r][i] * b for a, b in zip(rows[r], rows[i])]
    return [row[size:] for row in rows]


def fit(server, data):
    """The coefficients, constant first, their standard errors, the log-likelihood, and the number of steps."""
    x = [[1.0, *row[:-1]] for row in data]
    y = [float(row[-1]) for row in data]
    b = [0.0] * len(x[0])
    for steps in range(50):
        answer = server.post("hessian", graph=GRAPH, inputs={"x": x, "y": y, "b": b}, wrt=["b"])
        covariance = inverse([[-value for value in row] for row in answer["hessians"]["b"]["b"]])
        gradient = answer["gradients"]["b"]
        step = [sum(c * g for c, g in zip(row, gradient)) for row in covariance]
        # How much the likelihood could still grow. Once this is so small the step is still worth taking, but not another request.
        left = sum(s * g for s, g in zip(step, gradient)) / 2
        if left < 1e-16:
            return b, [math.sqrt(covariance[i][i]) for i in range(len(b))], answer["outputs"]["likelihood"], steps
        b = [old + change for old, change in zip(b, step)]
    raise RuntimeError("Newton's method did not converge: are the two classes separated by a line?")


def main():
    server, comparison = Server(), Comparison()

    b, errors, likelihood, steps = fit(server, STUDENTS)
    comparison.title(f"Grades of students, {steps} steps of Newton's method")
    # Coefficients and log-likelihood as in Greene, Econometric Analysis; standard errors from Stata 11, as the tests of statsmodels
    # keep them.
    for name, i, coefficient, error in [
        ("constant", 0, "-13.0213", "4.93132"),
        ("grade point average", 1, "2.8261", "1.26294"),
        ("test before", 2, "0.0952", "0.141554"),
        ("new teaching", 3, "2.3787", "1.06456"),
    ]:
        comparison.row(name, b[i], coefficient)
        comparison.row("  standard error", errors[i], error)
    comparison.row("log-likelihood", likelihood, "-12.8896")

    b, errors, likelihood, steps = fit(server, FLIGHTS)
    comparison.title(f"Damaged O-rings of the space shuttle, {steps} steps of Newton's method")
    # As printed by R: glm(damaged ~ temperature, family = binomial); the residual deviance is -2 times the log-likelihood.
    for name, i, coefficient, error in [
        ("constant", 0, "15.0429", "7.3786"),
        ("temperature", 1, "-0.2322", "0.1082"),
    ]:
        comparison.row(name, b[i], coefficient)
        comparison.row("  standard error", errors[i], error)
    comparison.row("residual deviance", -2 * likelihood, "20.315")
    risk = 1 / (1 + math.exp(-(b[0] + 31 * b[1])))
    print(f"\n  Challenger was launched at 31 °F. The probability of damage, by this model: {risk:.4f}")

    comparison.finish()


if __name__ == "__main__":
    main()
