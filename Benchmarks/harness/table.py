"""The rows as a Markdown table."""

import statistics

from .measure import BOTH, LIMIT, PEER

HEADER = "| row | limit | best peer | usual peer | ours | ratio: median [quartiles] of rounds | bar | aim | reached |"


def table(rows):
    lines = [HEADER, "|---" * HEADER.count(" | ") + "|---|"]
    return "\n".join(lines + [line(row) for row in rows])


def line(row):
    limit, best = row.best(LIMIT), row.best(PEER)
    others = [party for party in row.parties if party.role == PEER and party is not best]
    cells = [
        row.name,
        cell(row, limit) if limit else "; ".join(absent(party) for party in row.parties if party.role == LIMIT) or "–",
        cell(row, best) if best else "–",
        "<br>".join(cell(row, party) for party in others) or "–",
        cell(row, row.ours(), is_named=False),
        "<br>".join(ratio(row, target) for target in row.targets),
        "<br>".join(bound(row, target, target.bar) for target in row.targets),
        "<br>".join(bound(row, target, target.aim) for target in row.targets),
        "<br>".join(verdict(row, target) for target in row.targets),
    ]
    return "| " + " | ".join(cells) + " |"


def cell(row, party, is_named=True):
    if party.median is None:
        return absent(party, is_named)
    notes = [note(party, *name.rsplit(" ", 1)) for name in (party.notes[0] if party.notes else {}) if name != BOTH]
    name = f"{party.name} " if is_named else ""
    return f"{name}**{number(party.median)}** {row.unit}" + (f" ({', '.join(notes)})" if notes else "")


def note(party, name, unit):
    return f"{name} {number(party.note(f'{name} {unit}'))} {unit}"


def absent(party, is_named=True):
    reason = (party.missing or "not measured").replace("|", "/")
    return f"{party.name}: {reason}" if is_named else reason


def ratio(row, target):
    ratios = row.ratios(target)
    if not ratios:
        return f"{to_whom(row, target)}: –" if target.to else "–"
    text = number(statistics.median(ratios))
    if len(ratios) > 1:
        low, _, high = statistics.quantiles(ratios, n=4, method="inclusive")
        text += f" [{number(low)}–{number(high)}]"
    if target.to is None:
        return f"{text} {row.unit}"
    return f"{text} of {to_whom(row, target)}" + by_cpu(row, target)


def by_cpu(row, target):
    """What the ratio would be if nobody else used the CPU: both share it with the load generator, so a request takes what they take
    together. Less is better, so the other way round for rates."""
    mine, its = row.ours().note(BOTH), row.other(target).note(BOTH)
    if not mine or not its:
        return ""
    return f" (by CPU time {number(its / mine if row.more else mine / its)})"


def to_whom(row, target):
    other = row.other(target)
    return other.name if other else {LIMIT: "the limit", PEER: "the best peer"}.get(target.to, target.to)


def bound(row, target, value):
    if value is None:
        return "–"
    return f"{'≥' if target.more else '≤'} {number(value)}" + ("" if target.to else f" {row.unit}")


def verdict(row, target):
    ratios = row.ratios(target)
    if target.bar is None or not ratios:
        return "–"
    value, sign = statistics.median(ratios), 1 if target.more else -1
    if target.aim is not None and sign * value >= sign * target.aim:
        return "aim"
    return "bar" if sign * value >= sign * target.bar else "no"


def number(value):
    if value >= 10_000:
        return f"{value / 1000:.0f}k" if value < 1_000_000 else f"{value / 1e6:.1f}M"
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.3g}"
