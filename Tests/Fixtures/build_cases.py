"""Writes bad_requests.jsonl and api_rules.jsonl from the lists of cases beside it. Only Python is needed:

    python3 build_cases.py
    python3 check_fixtures.py

To add a case, add a line to the function it belongs to: bad_bodies.py (JSON, members, tensors), bad_graphs.py (graph, attributes, what is
asked), bad_derivatives.py (the other endpoints, batches, `grad` nodes), bad_operations.py, bad_operations_shapes.py,
bad_operations_indexing.py and bad_linalg.py (operations of tier 1); rules_*.py with good requests, after the sections of the contract. case_tools.py says what a case holds.
"""

import json
import pathlib

import bad_bodies
import bad_derivatives
import bad_graphs
import bad_linalg
import bad_operations
import bad_operations_indexing
import bad_operations_shapes
import rules_batch
import rules_derivatives
import rules_graph
import rules_linalg
import rules_operations
import rules_reports
import rules_tensors
from case_tools import Cases

HERE = pathlib.Path(__file__).parent


def build(*modules):
  cases = Cases()
  for module in modules:
    module.add_cases(cases)
  return cases


def write(file, cases):
  (HERE / file).write_text("".join(json.dumps(case, allow_nan=False) + "\n" for case in cases))
  print(f"{file}: {len(cases)} cases")


if __name__ == "__main__":
  write("bad_requests.jsonl", build(bad_bodies, bad_graphs, bad_derivatives, bad_operations, bad_operations_shapes, bad_operations_indexing,
                                  bad_linalg))
  write("api_rules.jsonl", build(rules_graph, rules_tensors, rules_derivatives, rules_reports, rules_batch, rules_operations,
                               rules_linalg))
