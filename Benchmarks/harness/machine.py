"""What the figures were taken on."""

import datetime
import os
import platform
import re
import subprocess


def description(server_version):
    lines = [
        ("CPU", f"{_first('/proc/cpuinfo', 'model name')}, {len(os.sched_getaffinity(0))} cores, {_instructions()}"),
        ("Memory", f"{int(_first('/proc/meminfo', 'MemTotal').split()[0]) / 2**20:.1f} GiB"),
        ("System", f"{_system()}, Linux {'.'.join(platform.release().split('.')[:2])}"),
        ("Swift", _output(["swift", "--version"], r"Swift version (\S+)")),
        ("Server", server_version),
        ("Compiler of the limits", _output(["gcc", "--version"], r"^(.*)$")),
        ("Busy before the run", f"load average {os.getloadavg()[0]:.2f} on {os.cpu_count()} cores"),
        ("Date", datetime.date.today().isoformat()),
    ]
    return "\n".join(f"- {name}: {value}" for name, value in lines)


def _first(path, name):
    with open(path) as file:
        for line in file:
            if line.startswith(name):
                return line.split(":", 1)[1].strip()
    return "unknown"


def _instructions():
    flags = _first("/proc/cpuinfo", "flags").split()
    return next((name for flag, name in (("avx512f", "AVX-512"), ("avx2", "AVX2")) if flag in flags), "no AVX2")


def _system():
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return "unknown"


def _output(command, pattern):
    try:
        text = subprocess.run(command, capture_output=True, text=True, timeout=60).stdout
    except (OSError, subprocess.SubprocessError):
        return "not installed"
    found = re.search(pattern, text, re.MULTILINE)
    return found.group(1) if found else "unknown"
