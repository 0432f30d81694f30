"""The tutorial's six examples, with the answers that the tutorial prints, which JAX must agree with before they are written."""

import numpy as np

X, Y = [[1, 2, 3], [4, 5, 6]], [[10, 20, 30], [40, 50, 60]]
ONES = np.ones((2, 3))
W = [[1, -2, 3, 0.5], [0.25, 4, -1, 2], [-3, 1.5, 2, -0.75]]
CT_X = [[0.5, -1, 2], [3, -0.25, 1.5]]
CT_H = [[1, -2, 0.5, 3], [-1.5, 2, 4, -0.5]]


def example(name, nodes, results, inputs, values, gradients, **members):
  """(name, request, outputs, gradients); `members` are further members of the request."""
  return name, {"graph": {"nodes": nodes, "outputs": results}, "inputs": inputs} | members, values, gradients


def node(op, inputs, outputs, **attributes):
  return {"op": op, "inputs": inputs, "outputs": outputs} | ({"attributes": attributes} if attributes else {})


ADD = [node("add", ["x", "y"], ["z"])]
RESHAPE = [node("reshape", ["x"], ["y"], shape=[6])]
TRANSPOSE = [node("transpose", ["x"], ["y"])]
SUM = [node("sum", ["x"], ["y"])]
MATMUL = [node("matmul", ["x", "w"], ["y"])]
SPLIT = [node("split", ["x"], ["y", "z"], axis=0)]
SEPARATE = SPLIT + [node("add", ["y", "z"], ["w"])]
ROWS = {"y": [[1, 2, 3]], "z": [[4, 5, 6]]}
PRODUCT = {"y": np.matmul(X, W)}

EXAMPLES = [
  example("add", ADD, ["z"], {"x": X, "y": Y}, {"z": [[11, 22, 33], [44, 55, 66]]}, {"x": ONES, "y": ONES}),
  example("add, own cotangent", ADD, ["z"], {"x": X, "y": Y},
          {"z": [[11, 22, 33], [44, 55, 66]]}, {"x": CT_X, "y": CT_X}, cotangents={"z": CT_X}),
  example("reshape", RESHAPE, ["y"], {"x": X}, {"y": [1, 2, 3, 4, 5, 6]}, {"x": ONES}),
  example("reshape, own cotangent", RESHAPE, ["y"], {"x": X},
          {"y": [1, 2, 3, 4, 5, 6]}, {"x": CT_X}, cotangents={"y": [0.5, -1, 2, 3, -0.25, 1.5]}),
  example("transpose", TRANSPOSE, ["y"], {"x": X}, {"y": [[1, 4], [2, 5], [3, 6]]}, {"x": ONES}),
  example("transpose, own cotangent", TRANSPOSE, ["y"], {"x": X},
          {"y": [[1, 4], [2, 5], [3, 6]]}, {"x": CT_X}, cotangents={"y": [[0.5, 3], [-1, -0.25], [2, 1.5]]}),
  example("sum", SUM, ["y"], {"x": X}, {"y": 21}, {"x": ONES}),
  example("sum, own cotangent", SUM, ["y"], {"x": X}, {"y": 21}, {"x": -2.5 * ONES}, cotangents={"y": -2.5}),
  example("matmul", MATMUL, ["y"], {"x": X, "w": W},
          PRODUCT, {"x": np.ones((2, 4)) @ np.transpose(W), "w": np.transpose(X) @ np.ones((2, 4))}),
  example("matmul, own cotangent", MATMUL, ["y"], {"x": X, "w": W},
          PRODUCT, {"x": CT_H @ np.transpose(W), "w": np.transpose(X) @ CT_H}, cotangents={"y": CT_H}),
  example("separate", SEPARATE, ["w"], {"x": X}, ROWS | {"w": [[5, 7, 9]]}, {"x": ONES}, outputs=["y", "z", "w"]),
  example("separate, own cotangent", SEPARATE, ["w"], {"x": X},
          {"w": [[5, 7, 9]]}, {"x": [[2, -1, 0.5]] * 2}, cotangents={"w": [[2, -1, 0.5]]}),
  example("separate, only the first part used", SPLIT, ["y"], {"x": X},
          {"y": ROWS["y"]}, {"x": [[1, 1, 1], [0, 0, 0]]}),
  example("separate, only the second part used", SPLIT + [node("mul", ["z", 3], ["w"])], ["w"], {"x": X},
          {"w": [[12, 15, 18]]}, {"x": [[0, 0, 0], [3, 3, 3]]}),
  example("separate, both parts, one cotangent", SPLIT, ["y", "z"], {"x": X},
          ROWS, {"x": [[0, 0, 0], [2, -1, 0.5]]}, cotangents={"z": [[2, -1, 0.5]]}),
]
