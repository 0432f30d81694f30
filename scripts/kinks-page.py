#!/usr/bin/env python3
"""Writes docs/kinks.md from the fixtures of kinks; with --check, only fails if the page is not what they say.

The fixtures are tested against the server, so a page equal to them is true of the server. Either way it fails if a row of the contract's
table has no case, if a case has no heading to stand under, or if PyTorch has not been asked about one."""
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "kinks.md"
FIXTURES = ROOT / "Tests" / "Fixtures"
FILES = ("kinks.jsonl", "kinks_reductions.jsonl", "kinks_linalg.jsonl", "kinks_special.jsonl", "kinks_decompositions.jsonl")
#: The members of a case that hold what the libraries say, in the order of the columns.
LIBRARIES = ("jax", "torch")
NOT_ASKED = "not asked yet"

INTRODUCTION = """# Kinks and edges

What this server answers where a function has a kink, a pole or a tie,
compared with JAX {jax} and PyTorch {torch}.

Mathematics leaves most of these derivatives open.
In libraries they follow from the formulas that happen to be used.
This server has a few rules:

- Equal elements share a gradient evenly.
- A corner has derivative 0. So has a point where only the formula is 0/0.
- An infinite slope is infinite.
- NaN propagates.
- Composite operations are right where their formulas would overflow.
- What has no answer is rejected.

Below are {count} cases in float64.
JAX differs in {jax_count} of them, PyTorch in {torch_count}, and both in {both_count}.
The columns for JAX and PyTorch show only tensors that differ from ours by more than the test
allows: 1e-12 of the largest element or of one.

`scripts/kinks-page.py` writes this page from `Tests/Fixtures/kinks*.jsonl`; do not edit it.
The server is tested against the same lines.
The [README there](../Tests/Fixtures/README.md) says how JAX and PyTorch were asked.

## The conventions

The cotangent is one unless stated otherwise.
"""

COMPARISONS = ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal")
#: The rows of the contract's table: case, gradient, and the names of the cases that show it.
CONVENTIONS = [
    ("`max`, `min` with ties; `maximum`, `minimum` of equals", "shared evenly",
     ["max: ties", "max: ties, axis 1", "min: ties", "maximum: tie", "minimum: tie"]),
    ("`relu`, `abs`, `clip` at a bound, `norm` at 0, `std` of a constant, `hypot(0, 0)`, `atan2(0, 0)`, `xlogy(0, 0)`", "0",
     ["relu: zero", "abs: zero", "clip: at both bounds, min -1, max 2", "norm: origin", "norm: origin, ord 1",
      "norm: origin, ord Infinity", "std: constant", "hypot: origin", "atan2: origin", "xlogy: origin"]),
    ("`leaky_relu` at 0", "alpha", ["leaky_relu: zero, alpha 0.2", "leaky_relu: zero, default"]),
    ("`sqrt`, `log`, `reciprocal` at 0", "inf, inf, -inf; NaN if the cotangent is 0, as in IEEE 754",
     [f"{op}: zero{seed}" for op in ("sqrt", "log", "reciprocal") for seed in ("", ", no cotangent")]),
    ("`pow`", "pow(0, 0): 0 and 0; pow(0, -1): -inf in y; pow(0, 0.5): inf and 0; pow(-2, 3): 12 and NaN",
     ["pow: 0 and 0", "pow: 0 and -1", "pow: 0 and 0.5", "pow: -2 and 3"]),
    ("`prod` with zeros", "the products of the others: prod([0, 2, 3]) gives [6, 0, 0]",
     ["prod: one zero", "prod: two zeros", "prod: zero in one row, axis 1"]),
    ("`det` of a singular matrix", "its cofactors: never 0 by accident, never NaN",
     ["det: singular", "det: zeros", "det: rank 2 of 3", "det: rank 1 of 3"]),
    ("`cholesky`", "that of (a + aᵀ)/2, symmetrised; rejected if not positive definite",
     ["cholesky: symmetric", "cholesky: symmetrised", "cholesky: indefinite", "cholesky: semidefinite"]),
    ("`inv`, `solve` of a singular matrix; `take` out of range", "rejected; the error names the node",
     ["inv: singular", "inv: zeros", "solve: singular, many solutions", "solve: singular, no solution", "take: beyond the end",
      "take: before the start"]),
    ("`max` over a slice with a NaN; `maximum(2, NaN)`", "NaN for every element of the slice; NaN for both",
     ["max: NaN in one slice, axis 1", "min: NaN in one slice, axis 1", "maximum: NaN", "minimum: NaN"]),
    ("`logsumexp` of all -inf", "0; the value is -inf", ["logsumexp: all -Infinity"]),
    ("`where(x > 0, sqrt(x), 0·x)` where x ≤ 0", "NaN: the branch that is not taken gets 0, and 0 times its slope (infinite or NaN) is NaN",
     ["where: sqrt in the branch not taken"]),
    ("`floor`, `ceil`, `round`, `trunc`, `sign`", "0; `round` is half to even",
     ["floor: whole and half", "ceil: whole and half", "round: halves", "trunc: whole and half", "sign: zero"]),
    ("`argmax`, `argmin`, comparisons, logicals, casts to integer", "no gradient; zeros if asked for",
     ["argmax: first of ties", "argmin: first of ties", *(f"{op}: no gradient" for op in COMPARISONS), "logical_and: no gradient",
      "cast: to an integer, dtype int64"]),
    ("integer and bool inputs", "no entry", ["take: integers have no entry", "where: bools have no entry", "maximum: no entry"]),
]

#: The headings, in order, and the text under each.
FAMILIES = {
    "Ties": "Equal elements get equal shares.\n`sort` is stable: equal elements keep their order, and so do their cotangents.",
    "Corners": "Any number between the slopes of the two sides would do.\nWith 0, a parameter at the corner stays there.\n"
               "`leaky_relu` and `elu` have no flat side and take the slope of the left.",
    "The origin": "The derivative is 0 if the usual formula divides 0 by 0 or takes the logarithm of 0\nwhile the function has a value.\n"
                  "It is NaN if the value itself is 0/0.",
    "Infinite slopes": "The derivative at a pole is infinite.\nA cotangent of 0 gives NaN, because infinity times 0 is NaN in IEEE 754.",
    "Special functions": "At the edges of their domains and at infinity: the limit from inside.\nAt a corner: the mean of both sides.",
    "Powers": "The derivative in x needs no logarithm.\nThe derivative in y is 0 at x = 0 for y ≥ 0, where a formula would multiply 0 by "
              "-inf.\nIt is NaN for negative x.",
    "Products with zeros": "Each element gets the product of the others.\nDividing the whole product by the element could not give that.",
    "Determinants": "A determinant is a polynomial, and so is its gradient.\nNo inverse is needed, and a singular matrix is nothing special."
                    "\nThe logarithm of a determinant has a pole there, and no slope.",
    "Inverses and systems of equations": "A pivot of exactly 0 means that there is no inverse.\nThe request is rejected, because infinities "
                                         "would only propagate.",
    "Cholesky": "Both triangles of the operand count.",
    "Values that coincide": "Equal eigenvalues or singular values have no order, and their vectors no direction.\nA function that treats "
                            "them alike is as smooth there as elsewhere.\nAny other function has an unbounded derivative.",
    "Lower ranks": "Derivatives of `pinv` and `lstsq` are those at constant rank.\n`qr` of dependent columns has none.",
    "Decompositions of NaN and Infinity": "All results are NaN; no factorisation is attempted.",
    "Functions of matrices": "These are power series, so they have derivatives of every order wherever they have a value.",
    "Branches": "`where` selects cotangents and never multiplies them.\nSo the branch that is not taken gets exactly 0.",
    "Steps": "The derivative is 0 between the steps, and at the steps too.",
    "No gradient": "Results that are not floats have no gradient.\nIf one is asked for, it is zeros.",
    "Integers and bools": "By default the server differentiates with respect to floats only.",
    "NaN": "NaN in gives NaN out, also from `relu`, `clip` and `max`.\nNo comparison with a NaN may decide which element gets a gradient.",
    "Outside the domain": "The value is NaN.\nA gradient that is shown is NaN too, although a formula might give a number.",
    "Extremes": "Composite operations keep their value and slope where a written-out formula would overflow\nor give inf - inf.\n"
                "They are NaN where nothing is left to share or infinities cancel.",
    "Nothing to reduce": "The sum of nothing is 0, the product 1, the mean NaN.",
    "Refusals": "A request that has no answer is rejected.",
}


def fail(message):
    sys.exit(f"docs/kinks.md: {message}")


def read():
    """The cases in float64 by name, without the dtype at its end."""
    cases = {}
    for file in FILES:
        for line in (FIXTURES / file).read_text().splitlines():
            case = json.loads(line)
            if case["family"] not in FAMILIES:
                fail(f"{case['name']} has no heading: {case['family']}")
            if NOT_ASKED in (case.get("jax"), case.get("torch")):
                fail(f"PyTorch has not been asked about {case['name']}: run Tests/Fixtures/kinks_torch.py")
            if case["name"].endswith("/float64"):
                cases[case["name"].removesuffix("/float64")] = case
    for family in FAMILIES:
        if not any(case["family"] == family for case in cases.values()):
            fail(f"no case stands under {family}")
    for row, _, names in CONVENTIONS:
        missing = [name for name in names if name not in cases]
        if missing or not names:
            fail(f"the row {row} has no case {missing}")
    return cases


def version(package, file):
    """The version that a file of requirements pins."""
    pins = dict(line.split("==") for line in (FIXTURES / file).read_text().splitlines() if "==" in line)
    return pins[package]


# Cells --------------------------------------------------------------------------------------------------------------


def code(value):
    """Lists and numbers as JSON, in a cell."""
    return "`" + json.dumps(value, ensure_ascii=False).replace("|", "\\|") + "`"


def nested(data, shape):
    """Flat data in lists of lists; a tensor without axes is a number."""
    if not shape:
        return data[0]
    step = len(data) // shape[0] if shape[0] else 0
    return [nested(data[i * step:(i + 1) * step], shape[1:]) for i in range(shape[0])]


def shape_of(form):
    data = form["data"] if isinstance(form, dict) else form
    if isinstance(form, dict) and "shape" in form:
        return form["shape"]
    return [len(data), *(shape_of(data[0]) if data else [])] if isinstance(data, list) else []


def tensors(answer, case):
    """Outputs and gradients, of ours or of a library, which gives flat lists."""
    cells = []
    for part, words in (("outputs", ""), ("gradients", "gradient of ")):
        for name, tensor in answer.get(part, {}).items():
            if isinstance(tensor, dict):
                data, shape = tensor["data"], tensor["shape"]
            else:
                data = tensor
                shape = shape_of(case["request"]["inputs"][name]) if part == "gradients" else [len(data)]
                shape = case.get("expected", {}).get(part, {}).get(name, {}).get("shape", shape)
            cells.append(f"{words}{name} {code(nested(data, shape))}")
    return "<br>".join(cells)


def asked(case):
    """The inputs, and the cotangent if it is not one. Integers are told by their having no point; a dtype would not say more."""
    request = case["request"]
    data = {name: form["data"] if isinstance(form, dict) and form["data"] else form for name, form in request["inputs"].items()}
    cells = [f"{name} {code(value)}" for name, value in data.items()]
    cells += [f"cotangent of {name} {code(form)}" for name, form in request.get("cotangents", {}).items()]
    return "<br>".join(cells)


def ours(case):
    if "refused" in case:
        return f"refused: {case['refused']['status']} `{case['refused']['code']}`"
    return tensors(case["expected"], case)


def theirs(case, library):
    said = case.get(library, "the same")
    return said.replace("|", "\\|") if isinstance(said, str) else tensors(said, case)


def differs(case, library):
    """Whether a library does something else. To refuse what we refuse, in whatever words, is the same."""
    said = case.get(library)
    return bool(said) and not ("refused" in case and isinstance(said, str) and said.startswith("refuses"))


# Tables -------------------------------------------------------------------------------------------------------------


def conventions(cases):
    lines = ["| case | gradient here | JAX | PyTorch | shown under |", "|---|---|---|---|---|"]
    for row, rule, names in CONVENTIONS:
        cells = []
        for library in LIBRARIES:
            others = [name for name in names if differs(cases[name], library)]
            # An operation is enough to say which, unless another case of it agrees.
            agreeing = {cases[name]["operation"] for name in names if name not in others}
            said = dict.fromkeys(name if cases[name]["operation"] in agreeing else cases[name]["operation"] for name in others)
            cells.append(f"differs: {'; '.join(said)}" if said else "the same")
        families = dict.fromkeys(cases[name]["family"] for name in names)
        links = ", ".join(f"[{family}](#{family.lower().replace(' ', '-')})" for family in families)
        lines.append(f"| {row} | {rule} | {' | '.join(cells)} | {links} |")
    return lines


def page():
    cases = read()
    differing = {library: {name for name, case in cases.items() if differs(case, library)} for library in LIBRARIES}
    counts = {f"{library}_count": len(names) for library, names in differing.items()}
    versions = {"jax": version("jax", "requirements.txt"), "torch": version("torch", "requirements-torch.txt")}
    both = len(set.intersection(*differing.values()))
    lines = [INTRODUCTION.format(count=len(cases), both_count=both, **versions, **counts)] + conventions(cases)
    for family, words in FAMILIES.items():
        lines += ["", f"## {family}", "", words, "", "| case | inputs | ours | JAX | PyTorch |", "|---|---|---|---|---|"]
        lines += [f"| {name} | {asked(case)} | {ours(case)} | {theirs(case, 'jax')} | {theirs(case, 'torch')} |"
                  for name, case in cases.items() if case["family"] == family]
    return "\n".join(lines) + "\n"


if "--check" in sys.argv[1:]:
    if not PAGE.exists() or PAGE.read_text() != page():
        fail("is not what the fixtures say: run scripts/kinks-page.py")
else:
    PAGE.write_text(page())
