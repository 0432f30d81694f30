"""One request at a time, for what Server-Timing says; rates are the load generator's matter."""

import http.client
import json
import subprocess

from . import places
from .errors import Missing
from .processes import ONE_CPU, pinned

JSON = "application/json"
SAFETENSORS = "application/vnd.safetensors"


class Client:
    """A connection that is kept."""

    def __init__(self, port, patience=120):
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=patience)

    def post(self, path, body, media_type=JSON):
        """The body of the answer, and the milliseconds of each phase."""
        try:
            answer, content = self._exchange(path, body, media_type)
        except (OSError, http.client.HTTPException):
            # A server may close a connection that was silent for long; http.client opens another.
            self._connection.close()
            try:
                answer, content = self._exchange(path, body, media_type)
            except (OSError, http.client.HTTPException) as error:
                self._connection.close()
                raise Missing(f"no answer: {error}") from error
        if answer.status != 200:
            raise Missing(refusal(answer.status, content))
        return content, phases(answer.headers.get("Server-Timing", ""))

    def _exchange(self, path, body, media_type):
        self._connection.request("POST", path, body, {"Content-Type": media_type})
        answer = self._connection.getresponse()
        return answer, answer.read()

    def close(self):
        self._connection.close()


def refusal(status, content=b""):
    if status == 415:
        return "not supported by this server"
    try:
        detail = json.loads(content)["detail"]
    except (ValueError, KeyError, TypeError):
        detail = content[:100].decode("utf-8", "replace")
    return f"answers {status} {detail}".strip()


def phases(header):
    """`read;dur=0.012, plan;dur=0.034` as a dictionary."""
    return {part.split(";")[0].strip(): float(part.split("dur=")[1]) for part in header.split(",") if "dur=" in part}


def load(server, path, body_file, media_type=JSON, connections=1, requests=10_000_000, seconds=1.0, fresh=False, cpus=ONE_CPU):
    """Lets the load generator run; its report as a dictionary, with the rate added."""
    command = [
        places.built / "load", server.port, path, media_type, body_file, connections, requests, seconds, int(fresh), server.pid]
    done = subprocess.run(pinned(command, cpus), capture_output=True, text=True, timeout=seconds + 60)
    if done.returncode != 0:
        raise Missing(f"the load generator failed: {done.stderr.strip()}")
    report = json.loads(done.stdout)
    if report["refused"]:
        raise Missing(refusal(report["status"]))
    failures = {name: report[name] for name in ("unconnected", "broken", "unanswered") if report[name]}
    if failures or not report["requests"]:
        raise Missing(f"{report['requests']} requests were answered, others were not: {failures}")
    report["rate"] = report["requests"] / report["seconds"]
    report["cpu_us"] = report["server_cpu"] / report["requests"] * 1e6
    report["both_us"] = report["cpu_us"] + report["own_cpu"] / report["requests"] * 1e6
    return report
