"""The protocol by which the harness takes turns between programs; native/limits.c speaks it too.

    CASE SIZE REPEATS     ->  the fewest seconds that it took, or "error: why"

The fewest, because whatever else a machine does can only add to them; how much results vary shows between the rounds.
"""

import sys
import time


def serve(cases):
    """Answers until the input ends. `cases` maps a name to a function of the size that prepares the case and returns what is timed."""
    # Libraries print greetings and warnings; the answers must stay alone.
    answers, sys.stdout = sys.stdout, sys.stderr
    prepared = (None, None)
    for line in sys.stdin:
        name, size, repeats = line.split()
        try:
            if prepared[0] != (name, size):
                prepared = (None, None)
                prepared = ((name, size), cases[name](int(size)))
            answer = repr(fewest_seconds(prepared[1], int(repeats)))
        except Exception as error:
            answer = f"error: {type(error).__name__}: {error}".replace("\n", " ")
        print(answer, file=answers, flush=True)


def fewest_seconds(run, repeats):
    """A case that prepares something anew each time returns its own seconds."""
    fewest = None
    for repeat in range(repeats + 1):
        start = time.perf_counter()
        own = run()
        seconds = own if isinstance(own, float) else time.perf_counter() - start
        # The first time compiles, or fills caches.
        if repeat > 0 or isinstance(own, float):
            fewest = seconds if fewest is None else min(fewest, seconds)
    return fewest
