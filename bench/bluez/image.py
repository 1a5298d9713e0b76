"""A computer to be started in QEMU: Debian's kernel, BlueZ, D-Bus and Python, and the packages lullwatch runs on.

Built once, without root, and cached: apt fetches the packages as if nothing were installed, mke2fs makes a disk of
them. Python packages are copied from the environment that runs this, so that the guest runs what is tested here.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

from bench.bluez.archive import Archive
from lullwatch import debian

__all__ = ["GuestError", "Image", "code_disk", "empty_disk", "image"]

_log = logging.getLogger(__name__)

_HERE = Path(__file__).parent
_ROOT = _HERE.parents[1]
_QEMU = ("qemu-system-x86",)
_SYSTEM = ("linux-image-amd64", "bluez", "dbus", "python3", "kmod", "busybox-static", "tzdata", "libstdc++6")
_FIRST_MODULES = ("virtio_pci", "virtio_blk", "ext4", "crc32c_generic")
"""what the disk needs"""
_MODULES = (
    *("virtio_console", "virtio_net", "virtio_rng", "hci_vhci", "uhid", "drbg", "jitterentropy_rng", "ecb"),
    *("cmac", "ccm", "ecdh_generic", "algif_hash", "algif_skcipher", "hmac", "sha512_generic", "ctr"),
)
_MERGED = ("bin", "sbin", "lib", "lib64")
"""folders that are links into /usr"""
_LEFT_OUT = (
    *("share/doc", "share/man", "share/locale", "share/info", "share/perl*", "lib/*/perl*", "lib/*/gconv"),
    *("lib/python3*/test", "lib/python3*/idlelib", "lib/python3*/lib2to3", "lib/firmware", "lib/modules"),
)
_APPLETS = (
    "sh",
    "mount",
    "umount",
    "ip",
    "hostname",
    "ps",
    "pidof",
    "kill",
    "killall",
    "sync",
    "grep",
    "sed",
)
_CODE = ("alerts", "dsp", "firmware_sim", "ingest", "lullwatch", "store", "bench/bluez")
_FACTS = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nmessagebus:x:100:100::/nonexistent:/usr/sbin/nologin\n",
    "etc/group": "root:x:0:\nmessagebus:x:100:\nbluetooth:x:101:\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    "etc/hosts": "127.0.0.1 localhost\n",
}
_FOLDERS = (
    "dev",
    "proc",
    "sys",
    "run",
    "tmp",
    "root",
    "lullwatch",
    "night",
    "var/lib/bluetooth",
    "var/lib/dbus",
)
_SPARE_MB = 128
_MB = 1 << 20


class GuestError(Exception):
    """The guest could not be built or does not do what it should."""


@dataclass(frozen=True, slots=True)
class Image:
    """What QEMU is given."""

    qemu: Path
    """root of its unpacked packages"""
    kernel: Path
    initrd: Path
    root: Path
    """ext4 image of the guest's disk; never written to"""


def image(cache: Path | None = None) -> Image:
    """The guest, built if it is not in the cache.

    Raises:
        DebianError: the packages cannot be had.
        GuestError: this environment's Python is not the guest's.
    """
    cache = cache or debian.default_folder().parent / "guest"
    debian.fetch(_QEMU, cache / "qemu")
    debian.fetch(_SYSTEM, cache / "debian", whole=True)
    folder = cache / "images" / _key(cache / "debian")
    if not folder.exists():
        _build(cache / "debian", folder)
    return Image(cache / "qemu", folder / "vmlinuz", folder / "initrd", folder / "root.ext4")


def code_disk(at: Path) -> None:
    """A disk with the code as it stands in this folder."""
    with tempfile.TemporaryDirectory(dir=at.parent) as made:
        for name in _CODE:
            shutil.copytree(_ROOT / name, Path(made) / name, ignore=shutil.ignore_patterns("*.edf", "vendor"))
        _compile(Path(made))
        _disk(at, Path(made))


def empty_disk(at: Path, mb: int) -> None:
    """A disk with nothing on it."""
    _run("mke2fs", "-q", "-t", "ext4", "-E", "root_owner=0:0", str(at), f"{mb}M")


def _key(system: Path) -> str:
    said = hashlib.sha256(Path(__file__).read_bytes())
    for file in (*sorted((system / ".stamps").iterdir()), *sorted((_HERE / "in_guest").iterdir())):
        if file.is_file():
            said.update(file.read_bytes())
    said.update(json.dumps(sorted((d.name, d.version) for d in _distributions())).encode())
    return said.hexdigest()[:16]


def _build(system: Path, folder: Path) -> None:
    _log.info("building the guest (once, about a minute)")
    _same_python(system)
    shutil.rmtree(folder.parent, ignore_errors=True)  # of older packages
    folder.parent.mkdir(parents=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        made, root = Path(temporary) / "made", Path(temporary) / "root"
        made.mkdir()
        _fill(root, system)
        modules = _modules(root, system)
        (made / "initrd").write_bytes(_initrd(root, modules))
        shutil.copy(next((system / "boot").glob("vmlinuz-*")), made / "vmlinuz")
        _disk(made / "root.ext4", root)
        made.rename(folder)


def _same_python(system: Path) -> None:
    [theirs] = [
        p.name for p in (system / "usr/bin").glob("python3.*") if re.fullmatch(r"python3\.\d+", p.name)
    ]
    ours = f"python{sys.version_info.major}.{sys.version_info.minor}"
    if theirs != ours:
        msg = f"Debian's packages here bring {theirs}, this environment is {ours}; use make PYTHON={theirs}"
        raise GuestError(msg)


def _fill(root: Path, system: Path) -> None:
    ignored = {
        str(p) for pattern in _LEFT_OUT for top in ("usr", ".") for p in system.glob(f"{top}/{pattern}")
    }

    def left_out(at: str, names: list[str]) -> list[str]:
        return [name for name in names if str(Path(at) / name) in ignored]

    for top in ("usr", "etc"):
        shutil.copytree(system / top, root / top, symlinks=True, ignore=left_out)
    for top in _MERGED:
        shutil.copytree(system / top, root / "usr" / top, symlinks=True, ignore=left_out, dirs_exist_ok=True)
        (root / top).symlink_to(f"usr/{top}")
    for name in _FOLDERS:
        (root / name).mkdir(parents=True, exist_ok=True)
    for name, text in _FACTS.items():
        (root / name).write_text(text)
    for applet in _APPLETS:
        if not os.path.lexists(root / "usr/bin" / applet) and not os.path.lexists(root / "usr/sbin" / applet):
            (root / "usr/bin" / applet).symlink_to("busybox")
    (root / "var/run").symlink_to("/run")
    start = root / "usr/sbin/guest-start"
    shutil.copy(_HERE / "in_guest" / "start", start)
    start.chmod(0o755)
    _python_packages(root / "usr/lib/python3/dist-packages")
    _compile(root / "usr/lib")


def _distributions() -> Iterator[metadata.Distribution]:
    """What lullwatch needs at least, itself left out."""
    seen: set[str] = set()
    left = [Requirement("lullwatch")]
    while left:
        wanted = left.pop()
        name = re.sub(r"[-_.]+", "-", wanted.name).lower()
        if name in seen:
            continue
        seen.add(name)
        found = metadata.distribution(name)
        if name != "lullwatch":
            yield found
        for text in found.requires or []:
            need = Requirement(text)
            extras = ("", *wanted.extras)
            if need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in extras):
                left.append(need)


def _python_packages(to: Path) -> None:
    for distribution in _distributions():
        for file in distribution.files or []:
            if ".." in file.parts or "tests" in file.parts or file.suffix in (".pyi", ".h", ".a"):
                continue
            target = to / file
            target.parent.mkdir(parents=True, exist_ok=True)
            if Path(str(file.locate())).is_file():
                shutil.copy2(str(file.locate()), target)


def _compile(folder: Path) -> None:
    """Python would otherwise compile in the guest, ten times slower, at every start."""
    line = [
        sys.executable,
        "-m",
        "compileall",
        "-q",
        "-j",
        "2",
        "--invalidation-mode",
        "unchecked-hash",
        folder,
    ]
    subprocess.run([str(word) for word in line], capture_output=True, check=False)  # templates do not compile


def _modules(root: Path, system: Path) -> list[Path]:
    """Put the modules and what they need into the tree; the paths of those the disk needs, in order."""
    [source] = (system / "lib/modules").iterdir()
    to = root / "usr/lib/modules" / source.name
    to.mkdir(parents=True)
    for name in ("modules.builtin", "modules.order", "modules.builtin.modinfo"):
        shutil.copy(source / name, to / name)
    _depmod(system, system, source.name)
    needs = {}
    for line in (source / "modules.dep").read_text().splitlines():
        path, _, rest = line.partition(":")
        needs[re.sub(r"\.ko.*", "", Path(path).name).replace("-", "_")] = [path, *rest.split()]
    for name in (*_FIRST_MODULES, *_MODULES):
        for path in needs.get(name, ()):  # one that is not there is built in
            (to / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source / path, to / path)
    _depmod(system, root, source.name)
    first = [path for name in _FIRST_MODULES for path in reversed(needs.get(name, ()))]
    return [to / path for path in dict.fromkeys(first)]


def _depmod(system: Path, of: Path, version: str) -> None:
    """Debian's own depmod with Debian's own C library: this computer need not have one."""
    libraries = ":".join(map(str, [*system.glob("lib/*-linux-gnu"), *system.glob("usr/lib/*-linux-gnu")]))
    loader = next(system.glob("lib/*-linux-gnu/ld-linux-*"))
    line = (str(loader), "--library-path", libraries, "--argv0", "depmod", str(system / "bin/kmod"))
    _run(*line, "-b", str(of), version)


def _initrd(root: Path, modules: Iterable[Path]) -> bytes:
    archive = Archive()
    for folder in ("dev", "proc", "sys", "disk", "bin", "modules"):
        archive.folder(folder)
    archive.character_device("dev/console", 5, 1)
    archive.file("init", (_HERE / "in_guest" / "init").read_bytes())
    archive.file("bin/busybox", (root / "usr/bin/busybox").read_bytes())
    names = []
    for path in modules:
        names.append(path.name)
        archive.file(f"modules/{path.name}", path.read_bytes())
    archive.file("modules/order", " ".join(names).encode())
    return archive.finished()


def _disk(at: Path, tree: Path) -> None:
    bytes_ = sum(p.lstat().st_size + 4096 for p in tree.rglob("*"))
    size = f"{bytes_ // _MB * 11 // 10 + _SPARE_MB}M"
    _run("mke2fs", "-q", "-t", "ext4", "-d", str(tree), "-E", "root_owner=0:0", str(at), size)


def _run(*line: str) -> None:
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    done = subprocess.run(line, capture_output=True, text=True, check=False, env={**os.environ, "PATH": path})
    if done.returncode:
        msg = f"{line[0]} ended with {done.returncode}: {done.stderr.strip()[-500:]}"
        raise GuestError(msg)
