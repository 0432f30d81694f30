"""Adds what PyTorch answers to the lines of kinks, which generate.py has written, in an environment of its own: see README.md.

    python kinks_torch.py          # rewrites the member `torch` of every line
    python kinks_torch.py --check  # only fails if a line would change
"""

import json
import sys
import warnings
from pathlib import Path

import torch

from comparison import difference
from forms import text_of
from torch_answers import found

FOLDER = Path(__file__).parent
FILES = ("kinks.jsonl", "kinks_reductions.jsonl", "kinks_linalg.jsonl", "kinks_special.jsonl", "kinks_decompositions.jsonl")


def with_torch(case):
  """The case with what PyTorch gives in place of the tensors it disagrees on, or with its refusal; without the member if it agrees."""
  answer = found(case)
  said = answer if isinstance(answer, str) else difference(answer, case)
  # Before the request, where `jax` stands too.
  head = {member: value for member, value in case.items() if member not in ("torch", "request", "expected", "refused")}
  return head | ({"torch": said} if said else {}) | case


def main():
  pinned = dict(line.split("==") for line in (FOLDER / "requirements-torch.txt").read_text().split())["torch"]
  if torch.__version__.partition("+")[0] != pinned:
    sys.exit(f"this is PyTorch {torch.__version__}: the lines are about {pinned}")
  # PyTorch warns of the edges that this is about.
  warnings.simplefilter("ignore")
  changed = 0
  for file in (FOLDER / name for name in FILES):
    before = file.read_text().splitlines(keepends=True)
    after = []
    for line in before:
      case = json.loads(line)
      case.pop("torch", None)
      after.append(text_of(with_torch(case)))
    changed += sum(a != b for a, b in zip(before, after))
    differing = sum('"torch":' in line for line in after)
    print(f"{file.name}: {len(after)} lines, PyTorch differs in {differing}")
    if "--check" not in sys.argv[1:]:
      file.write_text("".join(after))
  if changed and "--check" in sys.argv[1:]:
    sys.exit(f"{changed} lines would change")


if __name__ == "__main__":
  main()
