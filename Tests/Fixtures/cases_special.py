"""Cases of operations_special.jsonl: special functions whose derivatives are families of their own, at generic points and where
implementations change their ways."""

from graph_builder import Weak
from operation_cases import POINTWISE, case

DOMAINS = {"ndtri": (0.05, 0.95), "gammainc": (0.3, 4), "gammaincc": (0.3, 4), "zeta": (1.3, 5), "betainc": (0.15, 0.85)}
POINTS = {
  "ndtr": [1e-9, -1.0, 0.7, -0.71, 2.5, -6.0, -20.0, -37.0, 8.0],
  "log_ndtr": [1e-9, -1.0, 0.7, -0.71, 2.5, -4.5, -4.75, -20.0, -50.0, 8.0],
  "ndtri": [1e-9, 0.25, 0.2421875, 0.5, 0.625, 0.75, 0.9375, 0.999],
  "erfcx": [1e-9, -0.5, -2.25, 0.5, 1.0, 2.0, 3.5, 4.0, 10.0, 50.0, 1000.0],
  "sinc": [1e-9, 0.5, 1.0, -1.25, 2.75, 3.0, 20.5, -100.25],
  "i0e": [1e-9, -0.5, 1.0, 2.5, 7.75, -15.0, 24.0, 24.5, 100.0],
  "i1e": [1e-9, -0.5, 1.0, 2.5, 7.75, -15.0, 24.0, 24.5, 100.0],
}
PAIRS = {
  "gammainc": {"x": [0.5, 0.01, 3.0, 20.0, 20.0, 100.0, 150.0, 0.25, 5.0], "y": [0.25, 0.5, 2.5, 18.0, 25.0, 90.0, 160.0, 3.0, 0.01]},
  "gammaincc": {"x": [0.5, 0.01, 3.0, 20.0, 20.0, 100.0, 150.0, 0.25, 5.0], "y": [0.25, 0.5, 2.5, 18.0, 25.0, 90.0, 160.0, 3.0, 0.01]},
  "zeta": {"x": [1.125, 2.0, 2.0, 3.5, 10.0, 30.0], "y": [1.0, 1.0, 0.25, 50.0, 0.75, 2.5]},
}
BETAS = {"x": [0.5, 2.0, 10.0, 30.0, 0.125, 5.0], "y": [0.5, 3.0, 0.75, 20.0, 4.0, 100.0], "z": [0.25, 0.75, 0.875, 0.5, 0.03125, 0.0625]}


def unary(op):
  domain, points = DOMAINS.get(op), POINTS[op]
  cases = [case(shape, domain=domain) for shape in ((), (1,), (2, 3), (2, 1, 3, 2), (0,), (2, 0), (17,))]
  return cases + [
    case((len(points),), data={"x": points}), case((2, 3), domain=domain, constants=["x"]), case(operands=[Weak(0.5)]),
  ]


def binary(op):
  domain, pairs = DOMAINS[op], PAIRS[op]
  shaped = [c | {"domain": domain} for c in POINTWISE if c["operands"] is None or c["operands"] == ["x", "x"]]
  return shaped + [
    case((len(pairs["x"]),), (len(pairs["x"]),), data=pairs), case((2, 3), (3,), dtypes=["F", "G"], domain=domain),
    case((2, 3), operands=["x", Weak(2.5)], domain=domain), case((2, 3), operands=[Weak(2), "x"], domain=domain),
  ]


CASES = {op: unary(op) for op in POINTS} | {op: binary(op) for op in PAIRS}
CASES["betainc"] = [
  *(case(*shapes, domain=DOMAINS["betainc"]) for shapes in (
    ((), (), ()), ((3,), (3,), (3,)), ((2, 3), (3,), ()), ((3,), (2, 1), ()), ((2, 1, 2), (3, 1), (1, 2)), ((0,), (1,), ()))),
  case((6,), (6,), (6,), data=BETAS), case((2, 3), (3,), domain=(0.15, 0.85), operands=["x", Weak(2), "y"]),
  case((3,), domain=(0.15, 0.85), operands=["x", "x", "x"]), case((3,), (3,), (3,), dtypes=["F", "G", "F"], domain=(0.15, 0.85)),
]

EXACT = ()
