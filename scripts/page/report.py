"""Runs tests and counts them."""

import time
import traceback

TESTS = []


class Skipped(Exception):
    """Something that the test needs is not there."""


def test(what):
    """Marks a function of a `Setting` as a test; `what` says what a person would see."""
    def mark(function):
        TESTS.append((what, function))
        return function
    return mark


def run_all(setting, only=""):
    """Runs the tests whose words hold `only`; answers how many failed."""
    passed = failed = skipped = 0
    for what, function in TESTS:
        if only not in what:
            continue
        start = time.monotonic()
        try:
            note = function(setting)
            passed += 1
            verdict = "passed"
        except Skipped as reason:
            skipped += 1
            verdict, note = "skipped", str(reason)
        except Exception as error:  # A test that breaks has failed; the others go on.
            failed += 1
            verdict, note = "FAILED ", f"{error}\n{'' if isinstance(error, AssertionError) else traceback.format_exc()}"
        print(f"{verdict} {what} ({time.monotonic() - start:.1f} s){': ' + note if note else ''}", flush=True)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return failed


def check(holds, got=""):
    if not holds:
        raise AssertionError(str(got)[:1500])


def near(got, wanted, tolerance=1e-6):
    check(abs(got - wanted) <= tolerance * max(1, abs(wanted)), f"{got} instead of {wanted}")
