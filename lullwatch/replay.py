"""Replay: recorded segments through the very detector that runs live, and what comes of it on paper."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from alerts.limits import table_of
from dsp.kernels import Kernels, compiled
from dsp.records import NS, Alert, Cutoff, Event, Segment, Stretch, Tick, Watching
from dsp.settings import Settings
from store.events_tsv import event_lines, state_lines, write_events, write_states
from store.rows import Fed

from .detector import Detector, Told
from .feeding import settled_blocks
from .nights import Night
from .past import FedPast
from .summary import summary

__all__ = ["Pace", "Replayed", "replay", "told_lines", "write_results"]


_log = logging.getLogger(__name__)

_PAYS_FROM_S = 2 * 3600.0
"""Loading compiled code takes about a second, what two hours cost without it."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """A night and what the detector told about it."""

    night: Night
    told: Told


def replay(
    night: Night,
    *,
    age_days: int | None = None,
    settings: Settings | None = None,
    pace: Pace | None = None,
    on_progress: Callable[[float], None] = lambda _: None,
    on_told: Callable[[Told], None] = lambda _: None,
) -> Replayed:
    """Run the detector over a night.

    Args:
        night: as `load` gives it.
        age_days: age of the infant, if known; by default what the journal says.
        settings: of the detector, for comparisons; by default those of this version.
        pace: how fast it is fed; as fast as it goes when None. What is told is the same at any pace.
        on_progress: called with the seconds of data that were fed since the last call.
        on_told: called with what was told at once, as it is told.
    """
    detector, past = _detector(night, age_days, settings)
    told, fed_ns = Told(), night.t0_ns
    for block in night.blocks if pace is None else _paced(night, pace):
        if past is not None:
            past.fed(block)
        now = detector.feed_block(block)
        told.extend(now)
        on_told(now)
        if past is not None:
            past.told(now, detector)
        end_ns = max((item.end_ns for item in block if isinstance(item, Segment | Stretch)), default=fed_ns)
        if end_ns - fed_ns > NS:
            on_progress((end_ns - fed_ns) / NS)
            fed_ns = end_ns
    if night.ends:
        last = detector.finish()
        told.extend(last)
        on_told(last)
    return Replayed(night, told)


def _detector(
    night: Night, age_days: int | None, settings: Settings | None
) -> tuple[Detector, FedPast | None]:
    past = FedPast(night.carried, night.before) if night.as_arrived else None
    detector = Detector(
        night.infant,
        night.sites,
        age_days=night.age_days if age_days is None else age_days,
        clock=night.clock,
        past=past,
        kernels=_kernels(night),
        wording=night.wording,
        table=table_of(night.limits),
        settings=settings,
    )
    if night.carried is not None:
        detector.restore(night.carried.state)
    return detector, past


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a night is fed."""

    times: float
    """seconds of data in a real second"""
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic


def _paced(night: Night, pace: Pace) -> Iterator[Sequence[Fed]]:
    """The night's blocks, each held back until its time has come; recordings at rest in blocks of a second."""
    began_s, data_ns = pace.monotonic(), night.t0_ns
    for block in night.blocks:
        for short in [block] if night.as_arrived else _seconds(night, block):
            data_ns = max([data_ns, *(_until_ns(item) for item in short if not isinstance(item, Watching))])
            wait_s = began_s + (data_ns - night.t0_ns) / NS / pace.times - pace.monotonic()
            if wait_s > 0:
                pace.sleep(wait_s)
            yield short


def _seconds(night: Night, block: Sequence[Fed]) -> Iterator[Sequence[Fed]]:
    yield [item for item in block if isinstance(item, Watching)]
    recorded = (item for item in block if isinstance(item, Segment | Stretch))
    *before, last = settled_blocks(recorded, night.sites, block_ns=NS)
    yield from before
    # the whole block's own cut-offs: its last packet may reach into the next block
    closing = [item for item in block if isinstance(item, Cutoff | Tick)]
    yield [*(item for item in last if not isinstance(item, Cutoff)), *closing]


def _until_ns(item: Fed) -> int:
    return item.end_ns if isinstance(item, Segment | Stretch) else item.t_ns


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
