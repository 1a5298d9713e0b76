"""Runs in the peers' own environment: how long they take for the acceleration of a night, as JSON.

    PYTHON bench/peers.py NIGHT.npz

The file holds `rate_hz` and for each site an array SITE of shape (n, 3), g. Each peer goes over every site, twice;
the faster time counts. Nothing of lullwatch is imported here.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Callable

import actipy
import numpy as np
import pandas as pd
from skdh.preprocessing import AccelThresholdWearDetection, GetDayWindowIndices
from skdh.sleep import Sleep

EVENING_S = 1_700_000_000 // 86_400 * 86_400 + 20 * 3600.0
"""The night begins at eight in the evening: skdh looks for sleep from noon to noon."""


def skdh_wear_and_sleep(acc_g: np.ndarray, rate_hz: float) -> None:
    at = EVENING_S + np.arange(len(acc_g)) / rate_hz
    wear = AccelThresholdWearDetection().predict(time=at, accel=acc_g, fs=rate_hz)["wear"]
    days = GetDayWindowIndices(bases=(12,), periods=(24,)).predict(time=at, fs=rate_hz)["day_ends"]
    Sleep(day_window=(12, 24)).predict(time=at, accel=acc_g, fs=rate_hz, wear=wear, day_ends=days)


def actipy_process(acc_g: np.ndarray, rate_hz: float) -> None:
    at = pd.to_datetime(((EVENING_S + np.arange(len(acc_g)) / rate_hz) * 1e9).astype(np.int64))
    data = pd.DataFrame(acc_g, index=pd.DatetimeIndex(at, name="time"), columns=["x", "y", "z"])
    actipy.process(data, rate_hz, verbose=False)


def seconds(way: Callable[[np.ndarray, float], None], sites: list[np.ndarray], rate_hz: float) -> float:
    def once() -> float:
        began = time.perf_counter()
        for acc_g in sites:
            way(acc_g, rate_hz)
        return time.perf_counter() - began

    return min(once(), once())


def main() -> int:
    with np.load(sys.argv[1]) as night:
        rate_hz = float(night["rate_hz"])
        sites = [
            np.ascontiguousarray(night[name], dtype=np.float64) for name in night.files if name != "rate_hz"
        ]
    warnings.simplefilter("ignore")  # the peers warn of pandas and of a single night; neither is ours to mend
    ways = {"skdh wear + sleep": skdh_wear_and_sleep, "actipy.process": actipy_process}
    print(json.dumps({name: seconds(way, sites, rate_hz) for name, way in ways.items()}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
