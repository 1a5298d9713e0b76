"""The work behind `lullwatch score`: tables in, score out, on paper if wanted."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from pathlib import Path

import msgspec

from .errors import LullwatchError
from .scoring import PROFILES, SINGLE_WINDOW_S, tally
from .scoring_files import NightFiles, read_night
from .scoring_pool import Score, pool
from .scoring_report import report
from .scoring_spans import SZCORE, TIGHT

__all__ = ["BadOption", "ScoringMissing", "profile_names", "score_files", "write_score"]

_NEEDED = ("mir_eval", "timescoring")


class ScoringMissing(LullwatchError):
    """The packages that scoring needs are not installed."""

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__(
            f"scoring needs {' and '.join(names)}, which is not installed. Run: pip install 'lullwatch[score]'"
        )


class BadOption(LullwatchError):
    """A number that cannot be meant."""

    def __init__(self, name: str, value: float) -> None:
        super().__init__(f"{name} {value:g}: must be a positive number")


def profile_names(*, tight: bool | None) -> list[str]:
    """Which profiles to show: both when nothing is said."""
    if tight is None:
        return [profile.name for profile in PROFILES]
    return [TIGHT.name if tight else SZCORE.name]


def score_files(
    nights: Iterable[NightFiles],
    *,
    window_s: float = SINGLE_WINDOW_S,
    hours: float | None = None,
    on_progress: Callable[[float], None] = lambda _: None,
) -> Score:
    """Read and score nights.

    Args:
        nights: where their tables are.
        window_s: largest distance of onsets of single movements that are the same.
        hours: length of each recording, where no table of states says it.
        on_progress: called with 1 after each night.

    Raises:
        ScoringMissing: timescoring or mir_eval is not installed.
        BadOption: a window or length that is not above zero.
        store.errors.BadTable, LengthUnknown, OtherNight: as `read_night` does.
    """
    if missing := [name for name in _NEEDED if find_spec(name) is None]:
        raise ScoringMissing(missing)
    for name, value in (("--window", window_s), ("--hours", hours)):
        if value is not None and not (math.isfinite(value) and value > 0):
            raise BadOption(name, value)
    tallies = []
    for night in nights:
        tallies.append(tally(read_night(night, hours=hours), window_s=window_s))
        on_progress(1)
    return pool(tallies, window_s=window_s)


def write_score(score: Score, folder: Path, *, tight: bool | None = None) -> list[Path]:
    """Write score.json (everything) and score.txt (what is shown) into `folder`; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / "score.json", folder / "score.txt"]
    paths[0].write_bytes(msgspec.json.format(msgspec.json.encode(score), indent=2) + b"\n")
    paths[1].write_text(report(score, profile_names(tight=tight)), encoding="utf-8")
    return paths
