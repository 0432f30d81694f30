"""Where things are."""

import shutil
from pathlib import Path

benchmarks = Path(__file__).resolve().parent.parent
project = benchmarks.parent
# Ignored by git, like every folder of this name.
built = benchmarks / ".build"
logs = built / "logs"
bodies = built / "bodies"
native = benchmarks / "native"
peers = benchmarks / "peers"
peer_python = peers / ".venv" / "bin" / "python"
docs = project / "docs"
thresholds = benchmarks / "thresholds.json"


def emptied(name):
    """A folder of this name, empty."""
    folder = built / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
