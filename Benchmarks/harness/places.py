"""Where things are."""

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
