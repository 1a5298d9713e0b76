"""`lullwatch simulate`."""

from __future__ import annotations

from pathlib import Path

__all__ = ["simulate"]


def simulate(scenario: str = "demo_hour", *, out: Path = Path("lullwatch-simulated"), seed: int = 1) -> int:
    """Write a simulated recording (EDF+) and its truth.

    Writes NAME.edf with its sidecars, NAME_truth_events.tsv and NAME_truth_states.tsv.

    Example: lullwatch simulate demo_hour --seed 7 --out recordings

    Parameters
    ----------
    scenario
        A named scenario (demo_hour, quiet_night, kicking_hour, jerk_night) or a TOML file.
    out
        Folder for the files; made if missing.
    seed
        One seed, one night, bit for bit.
    """
    from lullwatch.console import say
    from lullwatch.simulate import simulate as write

    for path in write(scenario, out, seed=seed):
        say(f"written: {path}")
    return 0
