"""A simulated movement added onto a recording of somebody real, as files: for `lullwatch simulate --onto`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from dsp.records import NS
from firmware_sim.draw import Draw
from firmware_sim.generators import Option, make_movement
from firmware_sim.inject import Injected, inject
from firmware_sim.liveliness import enliven
from firmware_sim.movement import draw_infant
from store.edf import read_recording, write_recording
from store.recording import Recording, settled

from .errors import LullwatchError
from .simulate import whole, write_truth

__all__ = ["AGE_DAYS", "BadInjection", "add_onto", "options_from", "write_onto"]

AGE_DAYS: Final = 180
"""Of the infant that is added, when nothing is said: the middle of the ages in which spasms begin."""


class BadInjection(LullwatchError):
    """This movement cannot be added onto this recording there."""

    def __init__(self, path: Path, movement: str, what: str) -> None:
        super().__init__(f"{movement} onto {path}: {what}. See docs/scenarios.md")


def options_from(pairs: Sequence[str]) -> dict[str, Option]:
    """Options of a movement from NAME=VALUE words.

    Raises:
        ValueError: a word without an equals sign.
    """
    options: dict[str, Option] = {}
    for pair in pairs:
        name, sign, text = pair.partition("=")
        if not sign or not name:
            msg = f"{pair!r} is not of the form NAME=VALUE"
            raise ValueError(msg)
        options[name] = _read(text)
    return options


def _read(text: str) -> Option:
    if text in ("true", "false"):
        return text == "true"
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text


def add_onto(
    recording: Recording,
    kind: str,
    options: dict[str, Option],
    *,
    at_s: float,
    seed: int,
    age_days: int = AGE_DAYS,
) -> Injected:
    """Draw a movement and add it to a recording, `at_s` seconds after its start.

    Raises:
        LookupError: no kind of that name.
        ValueError: an option it does not take, or it does not fit there (see `firmware_sim.inject`).
    """
    infant = draw_infant(Draw(seed, "infant"), age_days)
    draw = Draw(seed, f"onto/{kind}")
    movement = enliven(make_movement(kind, draw, infant, options), draw)
    at_ns = recording.t0_ns + round(at_s * NS)
    return inject(recording.segments, movement, infant, at_ns=at_ns, seed=seed, name=recording.infant)


def write_onto(
    path: Path,
    folder: Path,
    kind: str,
    pairs: Sequence[str] = (),
    *,
    at_s: float,
    seed: int,
    age_days: int = AGE_DAYS,
) -> list[Path]:
    """Read an EDF+ recording, add a movement, and write it with the truth into `folder`; returns the files.

    They are STEM_with_KIND_seed-SEED.edf and, with the same beginning, the truth tables. The truth knows what was
    added and nothing of what was there before: its states are unknown.

    Raises:
        BadInjection: naming the recording, the movement and what does not go together.
        store.errors.BadRecording: when the file cannot be read.
    """
    recording = read_recording(path)
    try:
        added = add_onto(recording, kind, options_from(pairs), at_s=at_s, seed=seed, age_days=age_days)
    except (LookupError, TypeError, ValueError) as error:
        raise BadInjection(path, kind, str(error)) from error
    stem = f"{path.stem}_with_{kind}_seed-{seed}"
    with whole(folder, stem) as part:
        files = write_recording(replace(recording, segments=settled(added.segments)), part / f"{stem}.edf")
        files += write_truth(added.truth, recording.t0_ns, part / stem)
    return [folder / file.name for file in files]
