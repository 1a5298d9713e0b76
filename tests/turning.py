"""Where an integrated gyroscope says that gravity has gone, for the tests of all that turns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation


def led(gyro_dps: NDArray[np.float32], first_g: NDArray[np.float32], dt_s: float) -> NDArray[np.float64]:
    """Gravity's direction after the last sample, from its direction at the first one and the turns between."""
    middle = np.deg2rad(0.5 * (gyro_dps[1:].astype(float) + gyro_dps[:-1])) * dt_s
    turns = Rotation.from_rotvec(middle)
    while len(turns) > 1:  # neighbours in pairs: the order stays, the loop is short
        if len(turns) % 2:
            turns = Rotation.concatenate([turns, Rotation.identity(1)])
        turns = turns[0::2] * turns[1::2]
    return np.asarray(turns[0].inv().apply(first_g), np.float64)
