"""Rows of kinks_special.jsonl: special functions at the edges of their domains, at removable singularities and at infinity."""

from kinks import INF, MINUS_INF, NAN, along, kink, pair

HALF_DENSITY = 0.3989422804014327
SQRT_2_PI = 2.5066282746310002

ROWS = {
  "Special functions": [
    along("infinite operands", "ndtr", [MINUS_INF, 0, INF], [0, 0.5, 1], [0, HALF_DENSITY, 0]),
    along("infinite operands", "log_ndtr", [MINUS_INF, INF], [MINUS_INF, 0], [INF, 0]),
    along("edges and middle", "ndtri", [0, 0.5, 1], [MINUS_INF, 0, INF], [INF, SQRT_2_PI, INF]),
    along("outside", "ndtri", [-0.5, 1.5], [NAN, NAN], [NAN, NAN]),
    along("zero", "sinc", [0, -0.0], [1, 1], [0, 0]),
    along("infinite operands", "sinc", [MINUS_INF, INF], [0, 0], [0, 0]),
    along("zero", "i0e", [0, -0.0], [1, 1], [0, 0]),
    along("infinite operands", "i0e", [MINUS_INF, INF], [0, 0], [0, 0]),
    along("zero", "i1e", [0, -0.0], [0, 0], [0.5, 0.5]),
    along("infinite operands", "i1e", [MINUS_INF, INF], [0, 0], [0, 0]),
    pair("x zero", "gammainc", [0.5, 1, 2], [0, 0, 0], [0, 0, 0], [0, 0, 0], [INF, 1, 0]),
    pair("x infinite", "gammainc", [0.5, 2], [INF, INF], [1, 1], [0, 0], [0, 0]),
    pair("a zero", "gammainc", 0, 0.5, 1, -0.5597735947761608, 0),
    pair("both zero", "gammainc", 0, 0, NAN, NAN, NAN),
    pair("outside", "gammainc", [-1, 1], [1, -1], [NAN, NAN], [NAN, NAN], [NAN, NAN]),
    pair("x zero", "gammaincc", [0.5, 1, 2], [0, 0, 0], [1, 1, 1], [0, 0, 0], [MINUS_INF, -1, 0]),
    pair("x infinite", "gammaincc", [0.5, 2], [INF, INF], [0, 0], [0, 0], [0, 0]),
    pair("x is 1", "zeta", 1, 2, INF, None, None),
    pair("x below 1", "zeta", 0.5, 2, NAN, NAN, NAN),
    pair("poles in q", "zeta", [2, 2], [0, -3], [INF, INF], None, None),
    kink("edges", "betainc", {"a": [2, 1], "b": [3, 1], "x": [0, 1]}, [0, 1], {"a": [0, 0], "b": [0, 0], "x": [0, 1]}),
    kink("outside", "betainc", {"a": [0, 1], "b": [1, 1], "x": [0.5, 1.5]}, [NAN, NAN], {"a": [NAN, NAN], "b": [NAN, NAN], "x": [NAN, NAN]}),
    along("NaN", "erfcx", NAN, NAN, NAN),
    along("infinite operands", "erfcx", [MINUS_INF, INF], [INF, 0], [MINUS_INF, 0]),
  ],
}
