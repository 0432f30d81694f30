"""Prints "ours / published / difference", row by row, and remembers whether every difference is small enough."""

import sys
from decimal import Decimal


class Comparison:
    def __init__(self):
        self.failures = 0

    def title(self, text, reference="published"):
        print(f"\n{text}\n  {'':34}{'ours':>18}{reference:>22}{'difference':>13}")

    def row(self, name, ours, published, tolerance=None):
        """`published` is text, as it is printed in its source: "0.522" allows for half a unit of its last digit. Unless a tolerance
        is given; then it is a number."""
        digits = 8
        if tolerance is None:
            exponent = Decimal(published).as_tuple().exponent
            digits = max(-exponent, 0) + 2
            tolerance = 0.5 * 10.0**exponent * (1 + 1e-9)  # a number that lies right in the middle may be rounded either way
        difference = ours - float(published)
        right = abs(difference) <= tolerance  # False for NaN too
        self.failures += not right
        shown = published if isinstance(published, str) else f"{published:.{digits}f}"
        print(f"  {name:34}{ours:18.{digits}f}{shown:>22}{difference:13.1e}{'' if right else '  WRONG'}")

    def finish(self):
        """Exits with 1 if a row was wrong, so that a script or a test notices."""
        print(f"\n{self.failures} wrong" if self.failures else "\nall agree")
        sys.exit(1 if self.failures else 0)
