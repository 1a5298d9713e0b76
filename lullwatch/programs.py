"""Server programs: where they are on this machine, or how they can be had.

Looked for on the PATH, then where Debian puts servers, then in the cache of unpacked packages; fetched into
that cache where that is allowed. What was found, and what to do where nothing was, is a value to be shown.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from lullwatch import debian

__all__ = ["CHROMIUM", "INFLUXD", "MOSQUITTO", "Found", "Missing", "Program", "find", "obtain"]

_VERSION_TIMEOUT_S = 10.0
"""A program prints its version in milliseconds; on a loaded small computer in a second or two."""


@dataclass(frozen=True, slots=True)
class Program:
    """A program we know how to run: its file, its Debian packages, and which versions will do."""

    name: str
    packages: tuple[str, ...]
    version_arguments: tuple[str, ...]
    version_pattern: str
    """finds the version in what the program prints, as its first group"""
    major: str
    """the version we know how to run; empty: any"""
    unpacked: tuple[str, ...] = ("usr/sbin", "usr/bin")
    """folders of an unpacked package that it may be in"""


MOSQUITTO = Program("mosquitto", ("mosquitto", "mosquitto-clients"), ("-h",), r"version (\d[\w.~+-]*)", "2")
CHROMIUM = Program(
    # what lies in usr/bin is a script that looks for the browser where it is not when unpacked
    "chromium", ("chromium",), ("--version",), r"Chromium (\d[\w.~+-]*)", "", ("usr/lib/chromium",)
)  # fmt: skip
INFLUXD = Program("influxd", ("influxdb", "influxdb-client"), ("version",), r"InfluxDB v?(\d[\w.~+-]*)", "1")


@dataclass(frozen=True, slots=True)
class Found:
    """A program that can be run."""

    program: str
    path: Path
    version: str
    origin: str
    """`system`, `cache` (unpacked earlier) or `fetched` (just now)"""
    libraries: tuple[Path, ...] = ()
    """folders its shared libraries are in, when not the system's"""

    def __str__(self) -> str:
        words = {"system": "of this system", "cache": "unpacked earlier", "fetched": "fetched just now"}
        return f"{self.program} {self.version}, {words[self.origin]}"

    def sibling(self, name: str) -> Path:
        """Another program of the same packages, such as `mosquitto_sub` beside `mosquitto`."""
        folders = (self.path.parent, self.path.parent.parent / "bin")
        for folder in folders:
            if (folder / name).exists():
                return folder / name
        elsewhere = shutil.which(name)
        return Path(elsewhere) if elsewhere else folders[-1] / name

    def environment(self) -> dict[str, str]:
        """Environment to run it in: this process's, with its libraries first on the path."""
        known = [*map(str, self.libraries), *filter(None, [os.environ.get("LD_LIBRARY_PATH")])]
        return {**os.environ, **({"LD_LIBRARY_PATH": os.pathsep.join(known)} if self.libraries else {})}


@dataclass(frozen=True, slots=True)
class Missing:
    """A program that cannot be run, why, and what a person can do about it."""

    program: str
    why: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.program} cannot be had: {self.why} Remedy: {self.remedy}"


def find(program: Program, *, cache: Path | None = None, tools: tuple[str, ...] = ()) -> Found | Missing:
    """Look for a program; nothing is fetched.

    Args:
        program: what to look for.
        cache: root of the unpacked packages; None for the usual one.
        tools: other programs of its packages that must be there too.
    """
    root = cache or debian.default_folder()
    seen: list[str] = []
    for path, origin in _candidates(program, root):
        libraries = debian.library_folders(root) if origin == "cache" else ()
        found = _probe(program, Found(program.name, path, "", origin, libraries))
        lacking = [tool for tool in tools if found is None or not found.sibling(tool).exists()]
        known = found is not None and program.major in ("", found.version.partition(".")[0])
        if found is not None and known and not lacking:
            return found
        what = f"{path.name} {found.version}" if found else f"{path.name} that does not start"
        seen.append(f"{what} without {' '.join(lacking)}" if found and lacking else what)
    return Missing(program.name, _why(program, seen), _remedy(program))


def obtain(program: Program, *, cache: Path | None = None, tools: tuple[str, ...] = ()) -> Found | Missing:
    """Look for a program and fetch it into the cache when it is not there; arguments as for `find`."""
    found = find(program, cache=cache, tools=tools)
    if isinstance(found, Found):
        return found
    root = cache or debian.default_folder()
    try:
        debian.fetch(program.packages, root)
    except (debian.DebianError, OSError) as error:
        return Missing(program.name, f"{found.why} And: {error}", _remedy(program))
    again = find(program, cache=root, tools=tools)
    if isinstance(again, Found) and again.origin == "cache":
        return Found(again.program, again.path, again.version, "fetched", again.libraries)
    return again


def _candidates(program: Program, root: Path) -> list[tuple[Path, str]]:
    on_path = shutil.which(program.name)
    listed = [(Path(on_path), "system")] if on_path else []
    # a plain user's PATH on Debian has no sbin, where servers live
    listed += [(Path(folder) / program.name, "system") for folder in ("/usr/sbin", "/usr/local/sbin")]
    listed += [(root / part / program.name, "cache") for part in program.unpacked]
    return [(path, origin) for path, origin in dict.fromkeys(listed) if path.exists()]


def _probe(program: Program, found: Found) -> Found | None:
    """Ask the program for its version; None when it does not start."""
    try:
        done = subprocess.run(  # noqa: S603 - a server program that was found, asked for its version
            [str(found.path), *program.version_arguments],
            env=found.environment(),
            capture_output=True,
            text=True,
            timeout=_VERSION_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(program.version_pattern, done.stdout + done.stderr)
    return Found(found.program, found.path, match[1], found.origin, found.libraries) if match else None


def _why(program: Program, seen: list[str]) -> str:
    if seen:
        wanted = f"version {program.major}" if program.major else "one that starts"
        return f"only {', '.join(seen)} found, which will not do (wanted: {wanted})."
    return "not on the PATH, not in /usr/sbin, not in the cache."


def _remedy(program: Program) -> str:
    return f"sudo apt-get install {' '.join(program.packages)}"
