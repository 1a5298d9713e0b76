"""Debian packages without root: fetched with apt's own folders under a cache, unpacked, never installed.

Also a script that runs before any environment exists, so it imports the standard library only::

    python3 lullwatch/debian.py PACKAGE... FOLDER
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

__all__ = [
    "CacheBusyError",
    "DebianError",
    "FetchFailedError",
    "NoAptError",
    "PackageUnknownError",
    "UnpackError",
    "default_folder",
    "fetch",
    "library_folders",
    "main",
]

_log = logging.getLogger(__name__)

LOCK_WAIT_S = 300.0
"""Another process may be fetching the same few MB over a slow line; longer than this it is stuck."""
_LOCK_POLL_S = 0.2
_APT_TIMEOUT_S = 600
"""The package lists are about 10 MB: ten minutes allow for a line of 150 kbit/s."""
_PACKAGE_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]+")
_NEVER_UNPACKED = frozenset({"libc6", "libc-bin"})
"""A second C library on the library path does not fit the running loader and breaks every program."""


class DebianError(Exception):
    """A package could not be had this way."""


class NoAptError(DebianError):
    """This machine has no apt and dpkg."""

    def __init__(self, program: str, packages: Sequence[str]) -> None:
        super().__init__(
            f"{program} is not on this machine, so Debian's packages cannot be fetched. Install "
            f"{', '.join(packages)} with this system's own package manager and have the programs on the PATH."
        )


class PackageUnknownError(DebianError):
    """Apt's sources do not offer the package."""

    def __init__(self, packages: Sequence[str], said: str) -> None:
        super().__init__(
            f"apt offers no {' '.join(packages)} here ({said}). On Debian 12 it does: check the files in "
            f"/etc/apt/sources.list.d, or install the programs some other way and have them on the PATH."
        )


class FetchFailedError(DebianError):
    """Apt could not download: no network, or its sources do not answer."""

    def __init__(self, packages: Sequence[str], said: str) -> None:
        super().__init__(
            f"apt could not download {' '.join(packages)} ({said}). Check the network and try again, or "
            f"install them once and for all: sudo apt-get install {' '.join(packages)}"
        )


class UnpackError(DebianError):
    """An archive arrived and could not be unpacked: disk full, or a folder of another user."""

    def __init__(self, archive: Path, folder: Path, said: str) -> None:
        super().__init__(
            f"{archive.name} could not be unpacked into {folder} ({said}). The folder must belong to the "
            f"user who runs this and its disk must have room; remove it and try again."
        )


class CacheBusyError(DebianError):
    """Another process holds the cache folder for too long."""

    def __init__(self, folder: Path, waited_s: float) -> None:
        super().__init__(
            f"{folder} has been locked by another process for {waited_s:.0f} s. If none is fetching packages "
            f"any more, remove the folder and try again."
        )


def default_folder() -> Path:
    """Where packages are unpacked when nobody says otherwise: `$XDG_CACHE_HOME/lullwatch/debian`."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "lullwatch" / "debian"


def fetch(
    packages: Sequence[str], folder: Path, *, whole: bool = False, lock_wait_s: float = LOCK_WAIT_S
) -> None:
    """Have `packages`, and what they need beyond the packages installed here, unpacked under `folder`.

    Done once: a stamp per package makes the next call return without asking apt. Two processes may call it
    at the same time on the same folder.

    Args:
        packages: names of binary packages.
        folder: becomes the root of the unpacked tree (`folder/usr/bin/...`).
        whole: with all that they need, the C library too, as if nothing were installed here: the root of a
            computer of its own. Nothing is configured in it.
        lock_wait_s: how long to wait for another process, in seconds.

    Raises:
        NoAptError: the machine has no apt-get or dpkg-deb.
        PackageUnknownError: apt's sources do not offer a package.
        FetchFailedError: the download failed.
        CacheBusyError: another process holds the folder.
        ValueError: a name is no package name.
    """
    for package in packages:
        if not _PACKAGE_NAME.fullmatch(package):
            msg = f"{package!r} is not the name of a Debian package"
            raise ValueError(msg)
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder / ".lock", lock_wait_s):
        missing = [p for p in packages if not _stamp(folder, p).exists()]
        if missing:
            _fetch_missing(missing, folder, whole=whole)


def library_folders(folder: Path) -> tuple[Path, ...]:
    """Folders of shared libraries in an unpacked tree, for `LD_LIBRARY_PATH`.

    Some packages keep libraries of their own a folder deeper and find them by an absolute path, which is not this one.
    """
    found = [*folder.glob("usr/lib/*-linux-*"), *folder.glob("lib/*-linux-*")]
    deeper = {path.parent for place in found for path in place.glob("*/lib*.so*")}
    return tuple(sorted(p for p in {*found, *deeper} if p.is_dir()))


def _stamp(folder: Path, package: str) -> Path:
    return folder / ".stamps" / f"{package}.json"


def _fetch_missing(packages: list[str], folder: Path, *, whole: bool) -> None:
    for program in ("apt-get", "dpkg-deb"):
        if shutil.which(program) is None:
            raise NoAptError(program, packages)
    apt = _Apt(folder / ".apt", packages, whole=whole)
    archives = apt.download()
    for archive in archives:
        done = _run([_program("dpkg-deb"), "-x", str(archive), str(folder)], packages)
        if done.returncode:
            raise UnpackError(archive, folder, _gist(done.stderr))
    for package in packages:
        stamp = _stamp(folder, package)
        stamp.parent.mkdir(exist_ok=True)
        stamp.write_text(json.dumps({"archives": [a.name for a in archives]}) + "\n", encoding="utf-8")
    for archive in archives:
        archive.unlink()
    _log.info("unpacked %s under %s", ", ".join(a.name for a in archives), folder)


class _Apt:
    """Apt with its own lists and archives, for one set of packages."""

    def __init__(self, folder: Path, packages: list[str], *, whole: bool) -> None:
        self._packages = packages
        self._whole = whole
        self._archives = folder / "archives"
        self._lists = folder / "state" / "lists"
        for part in (self._lists / "partial", folder / "cache" / "archives" / "partial", self._archives):
            part.mkdir(parents=True, exist_ok=True)
        self._options = [
            *("-q", "-o", f"Dir::State={folder / 'state'}", "-o", f"Dir::Cache={folder / 'cache'}"),
            *("-o", "Debug::NoLocking=1", "-o", "APT::Update::Error-Mode=any", "-o", "Acquire::Retries=2"),
            *("-o", "Acquire::Languages=none"),
            # apt would otherwise hand downloads to its own user, who may not write into this folder
            *("-o", "APT::Sandbox::User=root"),
        ]
        if whole:
            status = folder / "nothing-installed"
            status.touch()
            self._options += ["-o", f"Dir::State::status={status}"]

    def download(self) -> list[Path]:
        """Download the closure; lists that have grown old are renewed once."""
        for old in self._archives.glob("*.deb"):
            old.unlink()
        if not any(self._lists.glob("*_Packages*")):
            self._apt("update")
            return self._download_closure()
        try:
            return self._download_closure()
        except DebianError as error:
            _log.info("renewing the package lists: %s", error)
            self._apt("update")
            return self._download_closure()

    def _download_closure(self) -> list[Path]:
        names = self._closure()
        self._apt("download", *names)
        found = sorted(self._archives.glob("*.deb"))
        if len(found) < len(names):
            raise FetchFailedError(names, f"{len(found)} of {len(names)} archives arrived")
        return found

    def _closure(self) -> list[str]:
        """What apt would install for the packages on this machine, and the packages themselves."""
        said = self._apt("install", "--simulate", "--no-install-recommends", *self._packages)
        wanted = re.findall(r"^Inst (\S+)", said, flags=re.MULTILINE)
        return sorted({*self._packages, *wanted} - (frozenset() if self._whole else _NEVER_UNPACKED))

    def _apt(self, command: str, *arguments: str) -> str:
        line = [_program("apt-get"), *self._options, command, *arguments]
        done = _run(line, self._packages, cwd=self._archives)
        if done.returncode == 0:
            return done.stdout
        said = _gist(done.stderr or done.stdout)
        if "Unable to locate package" in done.stderr or "has no installation candidate" in done.stderr:
            raise PackageUnknownError(self._packages, said)
        raise FetchFailedError(self._packages, said)


def _program(name: str) -> str:
    return shutil.which(name) or name


def _run(
    line: list[str], packages: list[str], *, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    try:
        # The line holds fixed programs, our own folders and names that passed _PACKAGE_NAME.
        return subprocess.run(  # noqa: S603 - see the line above
            line,
            cwd=cwd,
            env=environment,
            capture_output=True,
            text=True,
            timeout=_APT_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise FetchFailedError(packages, f"no answer within {_APT_TIMEOUT_S} s") from error


def _gist(text: str) -> str:
    """The first error line without the address of the server."""
    lines = (
        [line for line in text.splitlines() if line.startswith("E:")]
        or text.splitlines()
        or ["no reason given"]
    )
    return re.sub(r"\S+://\S+", "its source", lines[0].removeprefix("E:").strip())


@contextmanager
def _locked(path: Path, wait_s: float) -> Iterator[None]:
    give_up = time.monotonic() + wait_s
    with path.open("w") as handle:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() >= give_up:
                    raise CacheBusyError(path.parent, wait_s) from error
                time.sleep(_LOCK_POLL_S)
        yield


def main(arguments: Sequence[str]) -> int:
    """Fetch packages into the last argument; 0 done, 1 could not be had, 2 called wrongly."""
    if len(arguments) < 2 or arguments[0].startswith("-"):
        sys.stderr.write("Usage: debian.py PACKAGE... FOLDER\n")
        return 2
    *packages, folder = arguments
    try:
        fetch(packages, Path(folder))
    except (DebianError, ValueError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
