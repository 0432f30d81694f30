#!/usr/bin/env python3
"""HTTP as no client should speak it, on raw sockets: endure-http.py BINARY [--only WORDS]

Each case says what must be answered first, how many answers come, what becomes of the connection, and by when it is over. Nothing that hides
in or behind a request may be served: no answer may come for it, and the server's log must not know it. Exits with 1 if a case fails."""

import argparse
import concurrent.futures
import sys
import tempfile

from endure import http_flow, http_framing, http_requests
from endure.conversation import Conversation
from endure.report import Report
from endure.server import Server, raise_descriptor_limit

TOKEN = "s3cret.Token-of_40~characters+at/least=="


def run_case(server, case):
    try:
        return Conversation(server.address, case).run()
    except Exception as error:
        return f"the case itself fails: {error!r}"


def run_cases(report, server, cases):
    """Several at a time: most of their time they wait for deadlines."""
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for case, wrong in zip(cases, pool.map(lambda case: run_case(server, case), cases)):
            report.verdict(not wrong, case.name + (f": {wrong}" if wrong else ""))


def check_log(report, server):
    smuggled = [line for line in server.log().splitlines() if "smuggled" in line]
    report.verdict(not smuggled, "the log knows of nothing that was smuggled" + "".join("\n       " + line for line in smuggled[:5]))
    report.verdict(server.is_running and server.answers(), "the server answers as before")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("--only", default="", help="cases whose names contain this")
    options = parser.parse_args()
    raise_descriptor_limit()
    report = Report()

    def selected(cases):
        return [case for case in cases if options.only in case.name]

    server = Server(options.binary, *http_flow.OPTIONS, logs_requests=True)
    cases = selected(http_framing.cases() + http_requests.cases() + http_flow.cases())
    run_cases(report, server, cases)
    single = Server(options.binary, *http_flow.OPTIONS, "--threads", "1")
    scenarios = [(name, body) for name, body in http_flow.scenarios(server, single) if options.only in name]
    for name, body in http_flow.scenarios(server, single):
        if options.only in name:
            wrong = body()
            report.verdict(not wrong, name + (f": {wrong}" if wrong else ""))
    check_log(report, server)

    with tempfile.NamedTemporaryFile("w") as file:
        file.write(TOKEN + "\n")
        file.flush()
        guarded = Server(options.binary, *http_flow.OPTIONS, "--token-file", file.name)
        tokens = selected(http_flow.token_cases(TOKEN))
        run_cases(report, guarded, tokens)
    print(f"{len(cases) + len(scenarios) + len(tokens)} cases")
    return report.end()


sys.exit(main())
