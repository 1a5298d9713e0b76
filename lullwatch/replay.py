"""Replay: recorded segments through the very detector that runs live, and what comes of it on paper."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from dsp.kernels import Kernels, compiled
from dsp.records import NS, Alert, Event, Segment, Stretch
from store.events_tsv import event_lines, state_lines, write_events, write_states

from .detector import Detector, Told
from .nights import Night
from .past import FedPast
from .summary import summary

__all__ = ["Replayed", "replay", "told_lines", "write_results"]


_log = logging.getLogger(__name__)

_PAYS_FROM_S = 2 * 3600.0
"""Loading compiled code takes about a second, what two hours cost without it."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """A night and what the detector told about it."""

    night: Night
    told: Told


def replay(
    night: Night, *, age_days: int | None = None, on_progress: Callable[[float], None] = lambda _: None
) -> Replayed:
    """Run the detector over a night.

    Args:
        night: as `load` gives it.
        age_days: age of the infant, if known; by default what the journal says.
        on_progress: called with the seconds of data that were fed since the last call.
    """
    age_days = night.age_days if age_days is None else age_days
    past = FedPast(night.carried, night.before) if night.as_arrived else None
    detector = Detector(
        night.infant,
        night.sites,
        age_days=age_days,
        clock=night.clock,
        past=past,
        kernels=_kernels(night),
        wording=night.wording,
    )
    if night.carried is not None:
        detector.restore(night.carried.state)
    told = Told()
    fed_ns = night.t0_ns
    for block in night.blocks:
        if past is not None:
            past.fed(block)
        now = detector.feed_block(block)
        told.extend(now)
        if past is not None:
            past.told(now, detector)
        end_ns = max((item.end_ns for item in block if isinstance(item, Segment | Stretch)), default=fed_ns)
        if end_ns - fed_ns > NS:
            on_progress((end_ns - fed_ns) / NS)
            fed_ns = end_ns
    if night.ends:
        told.extend(detector.finish())
    return Replayed(night, told)


def _kernels(night: Night) -> Kernels | None:
    """Compiled loops where they pay: for a long recording, decided on in long blocks, with numba installed."""
    if night.as_arrived or night.duration_s < _PAYS_FROM_S:
        return None
    kernels = compiled()
    if kernels is None:
        _log.debug(
            "numba is not installed (extra `fast`): the vectorised stages are used, results are the same"
        )
    return kernels


def write_results(replayed: Replayed, folder: Path, *, picture: bool = True) -> list[Path]:
    """Write events, states, the rows as they were told, a summary and a picture into `folder`."""
    night, told = replayed.night, replayed.told
    folder.mkdir(parents=True, exist_ok=True)
    stem = folder / night.name
    paths = [_suffixed(stem, end) for end in ("_events.tsv", "_states.tsv", "_told.jsonl", "_summary.txt")]
    write_events(paths[0], event_lines(told.events, night.t0_ns))
    write_states(paths[1], state_lines(told.states, night.t0_ns))
    paths[2].write_bytes(told_lines(told.events, told.alerts))
    paths[3].write_text(summary(night.name, night.sites, told, night.wording.catalogue), encoding="utf-8")
    if picture:
        from .picture import draw_night

        paths.append(_suffixed(stem, "_night.png"))
        draw_night(
            paths[-1],
            told,
            title=night.name,
            t0_ns=night.t0_ns,
            start_utc_ns=night.start_utc_ns,
            zone=night.zone,
        )
    return paths


def _suffixed(stem: Path, end: str) -> Path:
    return stem.with_name(stem.name + end)


def told_lines(events: Sequence[Event], alerts: Sequence[Alert]) -> bytes:
    """Every row of every event, then every alert, as JSON lines: what was told, in the order it was told."""
    return b"".join(msgspec.json.encode(record) + b"\n" for record in (*events, *alerts))
