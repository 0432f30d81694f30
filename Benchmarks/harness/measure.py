"""Rows, those who take part in them, and the rounds in which they take turns."""

import statistics
import sys
import time
from dataclasses import dataclass, field
from typing import Callable

from .errors import Missing

# The note that is not shown: CPU time of server and load generator together, from which the table has its ratio by CPU time.
BOTH = "_both"
LIMIT, PEER, OURS = "limit", "peer", "ours"


@dataclass
class Party:
    """Somebody who does a row's work. `measure` does it for one round and returns a number, or a number and notes: named numbers that are
    shown beside it."""

    name: str
    role: str
    measure: Callable
    missing: str = ""
    failures: int = 0
    samples: list = field(default_factory=list)
    notes: list = field(default_factory=list)

    def take_turn(self):
        # Once may be an accident.
        if self.failures >= 2:
            self.samples.append(None)
            return
        try:
            result = self.measure()
        except Missing as reason:
            self.missing, self.failures = str(reason), self.failures + 1
            result = None
        value, notes = result if isinstance(result, tuple) else (result, {})
        self.samples.append(value)
        if notes:
            self.notes.append(notes)

    @property
    def median(self):
        taken = [sample for sample in self.samples if sample is not None]
        return statistics.median(taken) if taken else None

    def note(self, name):
        taken = [notes[name] for notes in self.notes if name in notes]
        return statistics.median(taken) if taken else None


@dataclass
class Target:
    """What ours is held to: a ratio to another party's, or an absolute figure in the row's unit where `to` is None. `to` is a party's name,
    or one of the roles: then the best of that role counts."""

    to: str | None
    bar: float | None = None
    aim: float | None = None
    # Whether more is better: rates and not times.
    more: bool = False


@dataclass
class Row:
    name: str
    unit: str
    parties: list
    targets: list
    # Whether more is better, of the figures themselves.
    more: bool = False
    # Rows that take long have fewer rounds.
    rounds: int = 1000

    def ours(self):
        return next(party for party in self.parties if party.role == OURS)

    def best(self, role):
        known = [party for party in self.parties if party.role == role and party.median is not None]
        return (max if self.more else min)(known, key=lambda party: party.median, default=None)

    def other(self, target):
        if target.to in (LIMIT, PEER):
            return self.best(target.to)
        return next((party for party in self.parties if party.name == target.to and party.median is not None), None)

    def ratios(self, target):
        """One for each round in which both took part."""
        other = self.other(target)
        if target.to is None:
            return [sample for sample in self.ours().samples if sample is not None]
        if other is None:
            return []
        return [mine / its for mine, its in zip(self.ours().samples, other.samples) if mine is not None and its]


def run(rows, rounds, seconds):
    """Every row in every round, and in each row the parties one after the other, so that whatever else the machine does meets all alike.
    Begins no further round that would end later than `seconds`."""
    begun = time.monotonic()
    longest = 0.0
    for turn in range(rounds):
        if turn > 0 and time.monotonic() - begun + longest > seconds:
            say(f"time is up after {turn} rounds")
            break
        started = time.monotonic()
        for row in rows:
            if turn >= row.rounds:
                continue
            say(f"round {turn + 1}: {row.name}")
            # Each begins in turn: the first may find other caches and another clock rate.
            offset = turn % len(row.parties)
            for party in row.parties[offset:] + row.parties[:offset]:
                party.take_turn()
        longest = max(longest, time.monotonic() - started)


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)
