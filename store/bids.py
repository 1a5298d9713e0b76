"""Motion-BIDS: what its writer and its reader both go by.

References:
    Jeung S et al. (2024) Motion-BIDS: an extension to the brain imaging data structure to organize motion data
    for reproducible research, Scientific Data 11:716. The specification is at bids-specification.readthedocs.io.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from dsp.records import NS, Site
from store.events_tsv import EVENT_COLUMNS, STATE_COLUMNS
from store.recording import Recording

__all__ = [
    "BIDS_VERSION",
    "LATENCY",
    "NIGHT_COLUMNS",
    "OURS",
    "PHASE_NS",
    "PLACES",
    "TASK",
    "TYPES",
    "BidsNight",
    "entities_of",
    "site_of",
]

BIDS_VERSION = "1.11.0"

TASK = "sleep"
"""label of the task: the infant was put to bed"""

LATENCY = "LATENCY"
"""type of the channel with the time of each sample"""

TYPES = {"ACCEL": "ACC", "GYRO": "GYRO"}
"""types of channels that hold samples of ours, and our names for them"""

OURS = "Lullwatch"
"""key of what the `_motion.json` of our own datasets says beyond the standard"""

PHASE_NS = 3600 * NS
"""Data time is passed on within the hour only: a replay then sees the same epochs and tells the same, and nobody
learns the day."""

PLACES: dict[Site, str] = {
    Site.LA: "left ankle",
    Site.RA: "right ankle",
    Site.TR: "trunk",
    Site.LW: "left wrist",
    Site.RW: "right wrist",
    Site.HD: "head",
}
"""tracked points by site"""

_WORDS: dict[str, tuple[str, ...]] = {
    "A": ("ankle", "foot", "feet", "shank", "shoe", "sock", "lowerleg", "heel"),
    "W": ("wrist", "hand", "forearm", "lowerarm"),
    "TR": (
        "trunk",
        "torso",
        "chest",
        "sternum",
        "pelvis",
        "waist",
        "back",
        "lumbar",
        "hip",
        "abdomen",
        "sacrum",
    ),
    "HD": ("head", "forehead"),
}
"""words for places on the body in other people's datasets"""

NIGHT_COLUMNS: dict[str, dict[str, Any]] = {
    "onset": EVENT_COLUMNS["onset"]
    | {"Description": "start, from the first row of the motion files of this run"},
    "duration": EVENT_COLUMNS["duration"],
    "trial_type": {
        "Description": "what the row tells of",
        "Levels": {
            "event": "a movement that was told apart; label and the columns after it belong to it",
            "state": "sleep state of an epoch, in the column state",
            "gap": "no samples of the sites in the column sites, which are n/a in the motion files",
            "note": "something a person wrote down",
        },
    },
    **{name: text for name, text in EVENT_COLUMNS.items() if name not in ("onset", "duration")},
    **{name: text for name, text in STATE_COLUMNS.items() if name not in EVENT_COLUMNS},
    "text": {"Description": "cause of a gap; kind and, if it was exported, wording of a note"},
}
"""columns of `_events.tsv`"""


@dataclass(frozen=True, slots=True)
class BidsNight:
    """A night of one infant and how old it was, if that may be told."""

    recording: Recording
    age_days: int | None = None


def entities_of(name: str) -> dict[str, str]:
    """The `key-value` parts of a BIDS file name."""
    parts = [part.partition("-") for part in name.split("_") if "-" in part]
    return {key: value for key, _, value in parts}


def site_of(words: str) -> Site | None:
    """The site that a tracked point or a tracking system is named after; None when no site is meant clearly."""
    if words.upper() in Site.__members__:
        return Site(words.upper())
    # "LeftFoot", "l_foot" and "foot.L" become words of small letters.
    parted = re.sub(r"([a-z])([A-Z])", r"\1 \2", words)
    found = [w.lower() for w in re.split(r"[^A-Za-z]+", parted) if w]
    joined = "".join(found)
    region = next((key for key, names in _WORDS.items() if any(name in joined for name in names)), None)
    if region in ("TR", "HD"):
        return Site(region)
    left, right = _sided(found, joined, "left", "l"), _sided(found, joined, "right", "r")
    return Site(("L" if left else "R") + region) if region and left != right else None


def _sided(found: list[str], joined: str, side: str, letter: str) -> bool:
    return side in joined or letter in found
