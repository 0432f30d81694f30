"""Builds the programs in C, and fetches OpenBLAS without installing it."""

import shutil
import subprocess

from . import places
from .errors import Missing

COMPILE = ["gcc", "-std=gnu11", "-O3", "-march=native", "-Wall", "-Wextra"]
# What lets the compiler use the vector forms of exp and tanh.
VECTOR_MATH = ["-ffast-math", "-mprefer-vector-width=512"]


def native_programs():
    places.built.mkdir(exist_ok=True)
    _compile("echo", ["echo.c"], ["-lmicrohttpd", "-lpthread"])
    _compile("load", ["load.c"], [])
    for source in ("chain", "network"):
        _run(COMPILE + VECTOR_MATH + ["-c", str(places.native / f"{source}.c"), "-o", str(places.built / f"{source}.o")])
    objects = [str(places.built / f"{source}.o") for source in ("chain", "network")]
    _compile("limits", ["limits.c", "simple.c"], objects + ["-lm", "-ldl", "-lpthread"])


def _compile(name, sources, rest):
    _run(COMPILE + ["-o", str(places.built / name)] + [str(places.native / source) for source in sources] + rest)


def _run(command, **options):
    subprocess.run(command, check=True, **options)


def openblas():
    """The folder of Debian's OpenBLAS, unpacked: installed, it would become the BLAS of the whole machine, and other programs' results
    would change."""
    folder = places.built / "openblas"
    libraries = folder / "root/usr/lib/x86_64-linux-gnu"
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        _download(["libopenblas0-pthread", "libgfortran5", "libquadmath0"], folder)
        for package in folder.glob("*.deb"):
            _run(["dpkg-deb", "--extract", str(package), str(folder / "root")])
        (folder / "complete").touch()
    if not (libraries / "openblas-pthread/libopenblas.so.0").exists():
        raise Missing("OpenBLAS is not where Debian's package for x86-64 has it")
    return libraries


def _download(packages, folder):
    command = ["apt-get", "download", "-qq"] + packages
    try:
        if subprocess.run(command, cwd=folder, timeout=120, stderr=subprocess.DEVNULL).returncode != 0:
            # Fresh machines have no lists of packages yet.
            subprocess.run(["apt-get", "update", "-qq"], timeout=300, stderr=subprocess.DEVNULL)
            _run(command, cwd=folder, timeout=120)
    except (OSError, subprocess.SubprocessError) as error:
        raise Missing(f"OpenBLAS cannot be downloaded: {error}") from error
