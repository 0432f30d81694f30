/// Graphs in JSON, and their canonical formulas.
struct PrintedCase: Sendable, CustomStringConvertible {
  /// The rule that it shows.
  var rule: String
  var json: String
  var formula: String

  init(_ rule: String, _ json: String, _ formula: String) {
    self.rule = rule
    self.json = json
    self.formula = formula
  }

  var description: String { rule }

  static let all = [
    PrintedCase(
      "input and const lines",
      #"""
      {"nodes": [{"op": "mul", "inputs": ["x", "g"], "outputs": ["y"]}], "inputs": [{"name": "x",
      "dtype": "float64", "shape": ["n", 3]}, {"name": "w", "shape": [null, 2]}, {"name": "v",
      "dtype": "int32"}, {"name": "z"}], "constants": {"g": 9.81, "k": {"dtype": "int64", "data": [1, 2]},
      "b": [true, false], "l": [1, 2]}}
      """#,
      #"""
      input x: float64[n, 3]
      input w: [_, 2]
      input v: int32
      input z
      const g = 9.81
      const k = int64([1, 2])
      const b = [true, false]
      const l = [1, 2]
      y = x * g
      """#),
    PrintedCase(
      "functions end in return",
      #"""
      {"functions": {"f": {"inputs": [{"name": "u"}, {"name": "k"}], "nodes": [{"op": "pow", "inputs": ["u",
      "k"], "outputs": ["_1"]},
      {"op": "sub", "inputs": ["_1", 1], "outputs": ["result"]}]}}, "nodes": [{"op": "call", "inputs": ["x",
      2], "outputs": ["_1"], "attributes": {"function": "f"}},
      {"op": "neg", "inputs": ["_1"], "outputs": ["y"]}], "outputs": ["y"]}
      """#,
      #"""
      def f(u, k) {
          result = u**k - 1
          return result
      }
      y = -f(x, 2)
      return y
      """#),
    PrintedCase(
      "functions stand below those that they call",
      #"""
      {"functions": {"g": {"inputs": [{"name": "u"}], "constants": {"k": 2}, "nodes": [{"op": "call",
      "inputs": ["u"], "outputs": ["_1"], "attributes": {"function": "h"}},
      {"op": "add", "inputs": ["_1", "k"], "outputs": ["r"]},
      {"op": "neg", "inputs": ["u"], "outputs": ["s"]}], "outputs": ["s", "r"]},
      "h": {"inputs": [{"name": "u"}], "nodes": [], "outputs": ["u"]}}, "nodes": [{"op": "call",
      "inputs": ["x"], "outputs": ["a", "b"], "attributes": {"function": "g"}}]}
      """#,
      #"""
      def h(u) {
          return u
      }
      def g(u) {
          const k = 2
          r = h(u) + k
          s = -u
          return s, r
      }
      a, b = g(x)
      """#),
    PrintedCase(
      "parentheses only where they are needed",
      #"""
      {"nodes": [{"op": "add", "inputs": ["a", "b"], "outputs": ["_1"]},
      {"op": "mul", "inputs": ["_1", "c"], "outputs": ["p"]},
      {"op": "mul", "inputs": ["a", "b"], "outputs": ["_2"]},
      {"op": "add", "inputs": ["_2", "c"], "outputs": ["q"]},
      {"op": "sub", "inputs": ["b", "c"], "outputs": ["_3"]},
      {"op": "sub", "inputs": ["a", "_3"], "outputs": ["r"]},
      {"op": "neg", "inputs": ["a"], "outputs": ["_4"]},
      {"op": "pow", "inputs": ["_4", 2], "outputs": ["s"]},
      {"op": "pow", "inputs": ["a", 2], "outputs": ["_5"]},
      {"op": "neg", "inputs": ["_5"], "outputs": ["t"]},
      {"op": "pow", "inputs": ["b", "c"], "outputs": ["_6"]},
      {"op": "pow", "inputs": ["a", "_6"], "outputs": ["u"]},
      {"op": "pow", "inputs": ["a", "b"], "outputs": ["_7"]},
      {"op": "pow", "inputs": ["_7", "c"], "outputs": ["v"]},
      {"op": "neg", "inputs": ["b"], "outputs": ["_8"]},
      {"op": "pow", "inputs": ["a", "_8"], "outputs": ["w"]},
      {"op": "pow", "inputs": [-2, "a"], "outputs": ["z"]}]}
      """#,
      #"""
      p = (a + b) * c
      q = a * b + c
      r = a - (b - c)
      s = (-a)**2
      t = -a**2
      u = a**b**c
      v = (a**b)**c
      w = a**-b
      z = (-2)**a
      """#),
    PrintedCase(
      "comparisons beside & and | are always in parentheses",
      #"""
      {"nodes": [{"op": "less", "inputs": ["a", 1], "outputs": ["_1"]},
      {"op": "greater", "inputs": ["b", 2], "outputs": ["_2"]},
      {"op": "logical_and", "inputs": ["_1", "_2"], "outputs": ["p"]},
      {"op": "logical_or", "inputs": ["m", "n"], "outputs": ["_3"]},
      {"op": "logical_and", "inputs": ["_3", "k"], "outputs": ["q"]},
      {"op": "logical_and", "inputs": ["m", "n"], "outputs": ["_4"]},
      {"op": "logical_or", "inputs": ["_4", "k"], "outputs": ["r"]},
      {"op": "less", "inputs": ["a", "b"], "outputs": ["_5"]},
      {"op": "equal", "inputs": ["_5", "m"], "outputs": ["s"]},
      {"op": "logical_not", "inputs": ["m"], "outputs": ["t"]},
      {"op": "less_equal", "inputs": ["a", "b"], "outputs": ["_6"]},
      {"op": "logical_not", "inputs": ["_6"], "outputs": ["u"]}]}
      """#,
      #"""
      p = (a < 1) & (b > 2)
      q = (m | n) & k
      r = m & n | k
      s = (a < b) == m
      t = ~m
      u = ~(a <= b)
      """#),
    PrintedCase(
      "numbers, names and constants",
      #"""
      {"nodes": [{"op": "neg", "inputs": [2], "outputs": ["a"]},
      {"op": "transpose", "inputs": [2], "outputs": ["b"]},
      {"op": "take", "inputs": [2, 0], "outputs": ["c"]},
      {"op": "identity", "inputs": [2], "outputs": ["d"]},
      {"op": "identity", "inputs": ["x"], "outputs": ["e"]},
      {"op": "constant", "inputs": [], "outputs": ["f"], "attributes": {"value": 3}},
      {"op": "constant", "inputs": [], "outputs": ["g"], "attributes": {"value": {"dtype": "int64",
      "data": 3}}},
      {"op": "neg", "inputs": ["x"], "outputs": ["_1"]},
      {"op": "identity", "inputs": ["_1"], "outputs": ["h"]}]}
      """#,
      #"""
      a = neg(2)
      b = transpose(2)
      c = take(2, 0)
      d = identity(2)
      e = x
      f = 3
      g = int64(3)
      h = identity(-x)
      """#),
    PrintedCase(
      "numbers as in answers",
      #"""
      {"nodes": [{"op": "concat", "inputs": [1, 1.0, 1e-05, 1e+20, -0.0, 0.1, 1e+17, 9007199254740993, "NaN",
      "Infinity", "-Infinity", -3], "outputs": ["y"]}]}
      """#,
      #"""
      y = concat(1, 1, 1e-05, 1e+20, -0.0, 0.1, 100000000000000000, 9007199254740993, NaN, Infinity, -Infinity, -3)
      """#),
    PrintedCase(
      "typed tensors, lists and bools",
      #"""
      {"nodes": [{"op": "add", "inputs": ["x", {"dtype": "int64", "data": [0, 2]}], "outputs": ["a"]},
      {"op": "add", "inputs": ["x", [1, 2.5]], "outputs": ["b"]},
      {"op": "add", "inputs": ["x", {"dtype": "float32", "data": 0.1}], "outputs": ["c"]},
      {"op": "where", "inputs": [true, [[true], [false]], {"dtype": "bool", "data": [true]}], "outputs": ["e"]},
      {"op": "add", "inputs": ["x", {"dtype": "float64", "shape": [0, 3], "data": []}], "outputs": ["f"]},
      {"op": "add", "inputs": ["x", []], "outputs": ["g"]}]}
      """#,
      #"""
      a = x + int64([0, 2])
      b = x + [1, 2.5]
      c = x + float32(0.1)
      e = where(true, [[true], [false]], [true])
      f = x + float64([], shape=[0, 3])
      g = x + []
      """#),
    PrintedCase(
      "indices where they say the same",
      #"""
      {"nodes": [{"op": "slice", "inputs": ["x"], "outputs": ["a"], "attributes": {"starts": [1],
      "ends": [null]}},
      {"op": "slice", "inputs": ["x"], "outputs": ["b"], "attributes": {"starts": [1, null], "ends": [-1,
      null], "axes": [2, 0], "steps": [1, -1]}},
      {"op": "slice", "inputs": ["x"], "outputs": ["c"], "attributes": {"starts": [1], "ends": [2],
      "axes": [-1]}},
      {"op": "take", "inputs": ["x", 0], "outputs": ["d"]},
      {"op": "take", "inputs": ["x", "i"], "outputs": ["e"], "attributes": {"axis": 1}},
      {"op": "take", "inputs": ["x", [0, 2]], "outputs": ["f"], "attributes": {"axis": -2}},
      {"op": "expand_dims", "inputs": ["x"], "outputs": ["g"], "attributes": {"axis": 0}},
      {"op": "expand_dims", "inputs": ["x"], "outputs": ["h"], "attributes": {"axis": [1, -1]}},
      {"op": "take", "inputs": ["x", {"dtype": "int64", "data": 0}], "outputs": ["j"]},
      {"op": "neg", "inputs": ["i"], "outputs": ["_1"]},
      {"op": "take", "inputs": ["x", "_1"], "outputs": ["k"]},
      {"op": "slice", "inputs": ["x"], "outputs": ["l"], "attributes": {"starts": [null], "ends": [null]}},
      {"op": "slice", "inputs": ["x"], "outputs": ["_2"], "attributes": {"starts": [1], "ends": [null]}},
      {"op": "take", "inputs": ["_2", 0], "outputs": ["m"], "attributes": {"axis": 1}},
      {"op": "transpose", "inputs": ["x"], "outputs": ["n"]},
      {"op": "transpose", "inputs": ["x"], "outputs": ["o"], "attributes": {"axes": [1, 0]}},
      {"op": "slice", "inputs": ["x"], "outputs": ["_9"], "attributes": {"starts": [0], "ends": [5],
      "steps": [2]}},
      {"op": "transpose", "inputs": ["_9"], "outputs": ["p"]},
      {"op": "take", "inputs": ["x", 1.5], "outputs": ["q"]}]}
      """#,
      #"""
      a = x[1:]
      b = x[::-1, :, 1:-1]
      c = x[..., 1:2]
      d = x[0]
      e = x[:, i]
      f = x[..., [0, 2], :]
      g = x[None]
      h = x[:, None, ..., None]
      j = take(x, int64(0))
      k = take(x, -i)
      l = slice(x, starts=[null], ends=[null])
      m = x[1:][:, 0]
      n = x.T
      o = transpose(x, axes=[1, 0])
      p = x[0:5:2].T
      q = take(x, 1.5)
      """#),
    PrintedCase(
      "attributes in the catalog's order, without defaults",
      #"""
      {"nodes": [{"op": "sum", "inputs": ["x"], "outputs": ["a"], "attributes": {"keepdims": false, "axis": 0}},
      {"op": "norm", "inputs": ["x"], "outputs": ["b"], "attributes": {"ord": "Infinity"}},
      {"op": "norm", "inputs": ["x"], "outputs": ["c"], "attributes": {"ord": 2, "axis": [0, 1]}},
      {"op": "pad", "inputs": ["x"], "outputs": ["d"], "attributes": {"widths": [[1, 2], [0, 0]],
      "value": "NaN"}},
      {"op": "cast", "inputs": ["x"], "outputs": ["e"], "attributes": {"dtype": "float32"}},
      {"op": "einsum", "inputs": ["x", "x"], "outputs": ["f"], "attributes": {"equation": "ij,jk"}},
      {"op": "quantile", "inputs": ["x"], "outputs": ["g"], "attributes": {"q": [0, 0.5]}},
      {"op": "clip", "inputs": ["x"], "outputs": ["h"], "attributes": {"min": -1, "max": null}},
      {"op": "leaky_relu", "inputs": ["x"], "outputs": ["i"], "attributes": {"alpha": 0.01}}]}
      """#,
      #"""
      a = sum(x, axis=0)
      b = norm(x, ord=Infinity)
      c = norm(x, axis=[0, 1])
      d = pad(x, widths=[[1, 2], [0, 0]], value=NaN)
      e = cast(x, dtype="float32")
      f = einsum(x, x, equation="ij,jk")
      g = quantile(x, q=[0, 0.5])
      h = clip(x, min=-1)
      i = leaky_relu(x)
      """#),
    PrintedCase(
      "backticks where names would be read as something else",
      #"""
      {"nodes": [{"op": "add", "inputs": ["2x", "loss ratio"], "outputs": ["_"]},
      {"op": "add", "inputs": ["true", "float64"], "outputs": ["a`b"]},
      {"op": "add", "inputs": ["input", "µ"], "outputs": ["const"]},
      {"op": "add", "inputs": ["sum", "None"], "outputs": ["x²"]}]}
      """#,
      #"""
      `_` = `2x` + `loss ratio`
      `a``b` = `true` + `float64`
      const = input + µ
      `x²` = sum + `None`
      """#),
    PrintedCase(
      "values without a name",
      #"""
      {"nodes": [{"op": "exp", "inputs": ["x"], "outputs": ["_1"]},
      {"op": "mul", "inputs": ["_1", "_1"], "outputs": ["y"]},
      {"op": "exp", "inputs": ["w"], "outputs": ["_2"]},
      {"op": "slogdet", "inputs": ["m"], "outputs": ["_3", "_4"]},
      {"op": "add", "inputs": ["_4", "y"], "outputs": ["z"]},
      {"op": "slogdet", "inputs": ["m"], "outputs": ["_5", "l"]},
      {"op": "sin", "inputs": ["x"], "outputs": ["_6"]},
      {"op": "sum", "inputs": ["_6"], "outputs": ["_7"]},
      {"op": "grad", "inputs": ["_7", "_6"], "outputs": ["g"]},
      {"op": "sqrt", "inputs": ["x"], "outputs": ["t1"]}]}
      """#,
      #"""
      t2 = exp(x)
      y = t2 * t2
      _, t3 = slogdet(m)
      z = t3 + y
      _, l = slogdet(m)
      t4 = sin(x)
      g = grad(sum(t4), t4)
      t1 = sqrt(x)
      """#),
    PrintedCase(
      "statements behind those that they take",
      #"""
      {"nodes": [{"op": "neg", "inputs": ["b"], "outputs": ["c"]},
      {"op": "exp", "inputs": ["x"], "outputs": ["b"]},
      {"op": "sin", "inputs": ["q"], "outputs": ["a"]}], "outputs": ["c", "a"]}
      """#,
      #"""
      b = exp(x)
      c = -b
      a = sin(q)
      return c, a
      """#),
    PrintedCase(
      "no return for the default outputs",
      #"""
      {"nodes": [{"op": "neg", "inputs": ["b"], "outputs": ["c"]},
      {"op": "exp", "inputs": ["x"], "outputs": ["b"]},
      {"op": "sin", "inputs": ["q"], "outputs": ["a"]}]}
      """#,
      #"""
      b = exp(x)
      c = -b
      a = sin(q)
      """#),
    PrintedCase(
      "return where the order of statements changes the outputs",
      #"""
      {"nodes": [{"op": "add", "inputs": ["p", "d"], "outputs": ["c"]},
      {"op": "slogdet", "inputs": ["m"], "outputs": ["d", "e"]},
      {"op": "exp", "inputs": ["x"], "outputs": ["p"]}]}
      """#,
      #"""
      p = exp(x)
      d, e = slogdet(m)
      c = p + d
      return c, e
      """#),
    PrintedCase(
      "return where what is left out takes an output",
      #"""
      {"nodes": [{"op": "exp", "inputs": ["x"], "outputs": ["a"]},
      {"op": "neg", "inputs": ["a"], "outputs": ["_1"]},
      {"op": "neg", "inputs": ["x"], "outputs": ["b"]}]}
      """#,
      #"""
      a = exp(x)
      b = -x
      return b
      """#),
    PrintedCase(
      "an input that is only returned",
      #"""
      {"nodes": [{"op": "exp", "inputs": ["x"], "outputs": ["a"]}], "outputs": ["a", "w"]}
      """#,
      #"""
      input x
      input w
      a = exp(x)
      return a, w
      """#),
    PrintedCase(
      "functions do not take the names of operations",
      #"""
      {"functions": {"sum": {"inputs": [{"name": "u"}], "nodes": [{"op": "neg", "inputs": ["u"],
      "outputs": ["v"]}]}}, "nodes": [{"op": "call", "inputs": ["x"], "outputs": ["y"],
      "attributes": {"function": "sum"}},
      {"op": "sum", "inputs": ["y"], "outputs": ["z"]}]}
      """#,
      #"""
      def f1(u) {
          v = -u
          return v
      }
      y = f1(x)
      z = sum(y)
      """#),
  ]
}
