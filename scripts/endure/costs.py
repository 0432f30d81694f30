"""What hostile requests cost, compared with a bound, as a page."""

import json
import os
import platform
import time

from endure import scatter
from endure.report import Report

# The bound for the time until a request runs or is refused: processor seconds, and those for each KB of it; and for memory until then. The
# first part is what --max-nodes nodes take, which a few KB can grow to.
SECONDS, SECONDS_PER_KB = 3, 0.010
MEBIBYTES, MEBIBYTES_PER_KB = 320, 1
# Of a probe meanwhile, without its waiting for a processor.
STALL = 0.020
ROWS = 20


def read(path):
    """The lines, with `before`: processor seconds until the request ran or was refused; None where that is not known."""
    records, last = [], {}
    with open(path) as file:
        for line in file:
            record = json.loads(line)
            series = record["family"], record["endpoint"]
            record["before"] = _before(record, last.get(series))
            last[series] = record
            records.append(record)
    return records


def _before(record, smaller):
    if phases := record.get("phases"):
        return min(record["cpu"], phases.get("read", 0) + phases.get("plan", 0))
    if record["status"] == 504:
        # Nobody says where it was. If the next smaller one was mostly being planned, so was this.
        was_planned = smaller is None or smaller["before"] is None or smaller["before"] > smaller["cpu"] / 2
        return record["cpu"] if was_planned and record["endpoint"] != "check" else None
    # A check has no phases; its work is graphs that run.
    return None if record["endpoint"] == "check" and record["status"] == 200 else record["cpu"]


def is_planning(record):
    """Whether its memory is that of planning alone."""
    return record["status"] in (400, 413, 422) or record["endpoint"].startswith("inspect")


def seconds_allowed(size):
    return SECONDS + SECONDS_PER_KB * size / 1024


def bytes_allowed(size):
    return (MEBIBYTES + MEBIBYTES_PER_KB * size / 1024) * (1 << 20)


def time_share(record):
    return (record["before"] or 0) / seconds_allowed(record["bytes"])


def memory_share(record):
    return record["memory"] / bytes_allowed(record["bytes"]) if is_planning(record) else 0


def judge(records):
    """The exit status, with the worst of each family in lines."""
    report = Report()
    for name, share, bar in (("time until it runs", time_share, 1), ("memory until it runs", memory_share, 1)):
        over = worst(records, share, bar)
        report.verdict(not over, f"{name}: {len(over)} of {len({each['family'] for each in records})} families cost more than the bound")
        for record in over:
            print(f"       {share(record):.1f} times: {described(record)}")
    for record in worst(records, lambda each: each["stall"], STALL):
        print(f"note: a probe meanwhile stalls for {1000 * record['stall']:.0f} ms: {described(record)}")
    return report.end()


def worst(records, share, bar=0.0, by=("family",)):
    """The record of each family with the most, if that is over the bar; the worst first."""
    found = {}
    for record in records:
        key = tuple(record[name] for name in by)
        if share(record) > max(bar, share(found[key]) if key in found else 0):
            found[key] = record
    return sorted(found.values(), key=share, reverse=True)


def described(record):
    before = "" if record["before"] is None else f"{record['before']:.3f} s until it runs, "
    return (f"{record['family']}({record['n']}) to {record['endpoint']}, {record['bytes']} bytes: {record['status']} {record.get('code', '')}; "
            f"{before}{record['cpu']:.3f} s in all, {record['memory'] >> 20} MiB")


PAGE = """# What hostile requests cost

`make hostile-costs` sends requests that are built to be expensive, to every endpoint.
There are {families} families of them.
Each is a function of a size: long chains, wide fans, derivatives in derivatives, thousands of
inputs, large shapes from scalars, every operation many times, long names, deep and long texts.
The size is doubled until the server has refused several times or a request takes seconds.

The families are functions in `scripts/endure/`: `graph_families.py`, `shape_families.py`,
`operation_families.py` and `hostile_texts.py`.

## What is measured

Each request is sent alone, to a server that has just been started or is in an equal state.

- *Time* is the processor time of all threads, in nanoseconds, so a busy machine changes it little.
- *Memory* is the largest resident memory during the request, minus that before it.

## The bound

*When a request runs*, options limit its cost, whatever its length:
`--max-plan-work`, `--max-plan-bytes`, `--max-answer-elements`, `--request-timeout`.

*Until a request runs or is refused*, reading and planning may cost at most

- {seconds} s of one processor, plus {per_kb} ms for each KB of the request, within its time-out;
- {mebibytes} MiB, plus {mib_per_kb} MiB for each KB, within half of `--max-bytes-in-flight`.

The constant part is what a graph of `--max-nodes` nodes costs, which a few KB of text can produce.
The command fails if a family costs more; {over}.

The picture has a point for each of {count} requests, and the bound as a line.

![Processor time and memory against the length of requests](hostile-costs.svg)

## The most expensive until they run

The table has the worst request of each family, with its share of the bound.
504 means that the request's time-out of 10 s ended it.

{times}

## The most memory until they run

The table has requests that were refused or inspected.
Other requests run, and use what their plan needs.

{memory}

## Other clients during a request

While each request runs, `GET /livez` is sent on new connections.
Of {count} requests {stalls} delayed a probe for more than {stall} ms, not counting the time that it
waited for a processor{longest}.

Measured on {date} with {cores} processors, {system}, version {version}.
"""


def table(records, share, figure):
    lines = ["| family | size | endpoint | bytes | answer | " + figure[0] + " | of the bound |", "|---|---|---|---|---|---|---|"]
    for record in records:
        answer = f"{record['status']} {record.get('code', '')}".strip()
        lines.append(f"| {record['family']} | {record['n']} | {record['endpoint']} | {record['bytes']} | {answer} | {figure[1](record)} | {share(record):.2f} |")
    return "\n".join(lines)


def write(path, records, version):
    """The page, and its picture beside it."""
    stalled = sorted((each for each in records if each["stall"] > STALL), key=lambda each: each["stall"])
    longest = ""
    if stalled:
        last = stalled[-1]
        longest = f";\nthe longest delay was {1000 * last['stall']:.0f} ms, by {last['family']} of size {last['n']} to {last['endpoint']}"
    over = worst(records, time_share, 1) + worst(records, memory_share, 1)
    path.write_text(PAGE.format(
        over=f"{len(over)} families do, the first rows of the tables" if over else "none does",
        families=len({each["family"] for each in records}), count=len(records), seconds=SECONDS, per_kb=f"{1000 * SECONDS_PER_KB:.0f}",
        mebibytes=MEBIBYTES, mib_per_kb=MEBIBYTES_PER_KB, stall=f"{1000 * STALL:.0f}", stalls=len(stalled),
        longest=longest,
        times=table(worst(records, time_share)[:ROWS], time_share, ("seconds", lambda each: f"{each['before']:.2f}")),
        memory=table(worst(records, memory_share)[:ROWS // 2], memory_share, ("MiB", lambda each: each["memory"] >> 20)),
        date=time.strftime("%Y-%m-%d"), cores=os.cpu_count(), system=f"{platform.system()} {platform.release().split('-')[0]}", version=version))
    times = [(each["bytes"], max(each["before"], 1e-4), each["status"] == 504) for each in records if each["before"] is not None]
    memory = [(each["bytes"], max(each["memory"] / (1 << 20), 0.1), not is_planning(each)) for each in records]
    path.with_suffix(".svg").write_text(scatter.panels("What requests cost by their length", "bytes of the request", [
        ("processor seconds until it runs or is refused", times, seconds_allowed, ("it ran, or was refused", "cut off by its time-out")),
        ("MiB resident more, at most", memory, lambda size: bytes_allowed(size) / (1 << 20), ("refused or inspected", "with its run"))]))
