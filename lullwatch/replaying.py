"""The work behind `lullwatch replay`: where nights come from, how they are shown, what is printed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dsp.records import NS, Event, EventStatus
from store.influx_read import InfluxSource

from .console import Progress, complain, progress, say, say_json
from .detector import Told
from .errors import LullwatchError
from .many_nights import Order, Outcome, replay_all
from .nights import Night, load
from .replay import Pace, replay, write_results
from .settings import exposes_token, read_secret
from .sources import from_influx, sources_in
from .summary import summary

__all__ = ["Database", "NothingGiven", "folder", "of_file", "one_by_one"]


class NothingGiven(LullwatchError):
    """Neither a file nor a database."""

    def __init__(self) -> None:
        super().__init__("give a recording, a journal or a folder of them, or a database with --influx URL")


class BadPace(LullwatchError):
    """A pace that cannot be meant."""

    def __init__(self, given: str) -> None:
        super().__init__(
            f"--pace {given!r}: give max, or seconds of data in a second such as 1x, 10x or 0.5x"
        )


class TokenExposed(LullwatchError):
    """A token would cross a network in the clear."""

    def __init__(self, url: str) -> None:
        super().__init__(
            f"{url} is another computer and begins with http: anyone on the network could read the token. Use https; "
            "or, on a network you trust whole, add --allow-unencrypted"
        )


@dataclass(frozen=True, slots=True)
class Database:
    """A database to read nights from."""

    url: str
    database: str
    token_file: str | None
    events_database: str = ""
    allow_unencrypted: bool = False

    def nights(self, *, infant: str | None, night: str | None) -> list[Night]:
        """Nights of the database; see `sources.from_influx`.

        Raises:
            TokenExposed: the token would cross a network in the clear.
        """
        token = read_secret("LULLWATCH_INFLUX_TOKEN", self.token_file) or ""
        if token and exposes_token(self.url) and not self.allow_unencrypted:
            raise TokenExposed(self.url)
        source = InfluxSource(self.url, self.database, token=token, events_database=self.events_database)
        with progress(f"reading from {self.database}", total=None):
            return from_influx(source, infant=infant, night=night)


def of_file(path: Path, *, infant: str | None, as_arrived: bool) -> list[Night]:
    """Nights of one file."""
    return load(path, infant=infant, as_arrived=as_arrived)


def folder(
    path: Path,
    out: Path,
    *,
    jobs: int | None,
    dask: str | None,
    as_json: bool,
    infant: str | None,
    age_days: int | None,
    picture: bool,
) -> int:
    """Replay a folder of nights; 1 when some could not be done."""
    files = sources_in([path])
    orders = [
        Order(str(f.absolute()), str(out.absolute()), age_days=age_days, picture=picture, infant=infant)
        for f in files
    ]
    with progress(f"replaying {len(orders)} files", total=len(orders)) as bar:
        outcomes = replay_all(
            orders, jobs=jobs, dask=dask, on_night=lambda o: bar.advance(1, Path(o.file).name)
        )
    if as_json:
        say_json(outcomes)
    else:
        say(_told_of(outcomes, out))
    failed = [outcome for outcome in outcomes if outcome.error]
    for outcome in failed:
        complain(f"{outcome.file}: {outcome.error}")
    return 1 if failed else 0


def _told_of(outcomes: Sequence[Outcome], out: Path) -> str:
    done = [outcome for outcome in outcomes if not outcome.error]
    hours, events = sum(o.hours for o in done), sum(o.events for o in done)
    nights = sum(len(o.nights) for o in done)
    failed = len(outcomes) - len(done)
    said = f"{nights} nights, {hours:.1f} hours, {events} events in {out}"
    return said + (f"; {failed} files could not be done:" if failed else "")


def one_by_one(
    nights: Sequence[Night], out: Path, *, age_days: int | None, pace: str, picture: bool, as_json: bool
) -> int:
    """Replay nights, each with a progress bar, and print what came of them."""
    times = pace_of(pace)
    events: list[Event] = []
    for night in nights:
        with progress(f"replaying {night.name}", total=night.duration_s) as bar:
            replayed = replay(
                night,
                age_days=age_days,
                pace=times,
                on_progress=bar.advance,
                on_told=_Teller(night, bar).tell if times is not None else lambda _: None,
            )
        paths = write_results(replayed, out, picture=picture)
        events += replayed.told.final_events
        if not as_json:
            say(summary(night.name, night.sites, replayed.told, night.wording.catalogue))
            say("written: " + ", ".join(str(path) for path in paths))
    if as_json:
        say_json(events)
    return 0


def pace_of(text: str) -> Pace | None:
    """What a person means by a pace; None is as fast as it goes.

    Raises:
        BadPace: nothing.
    """
    if text == "max":
        return None
    try:
        times = float(text.removesuffix("x"))
    except ValueError:
        raise BadPace(text) from None
    if not (math.isfinite(times) and times > 0):
        raise BadPace(text)
    return Pace(times)


@dataclass(slots=True)
class _Teller:
    """Shows what is told while a night is fed at a pace."""

    night: Night
    bar: Progress

    def tell(self, told: Told) -> None:
        for event in told.events:
            if event.status in (EventStatus.NEW, EventStatus.RELABEL, EventStatus.END, EventStatus.WITHDRAWN):
                at_s = (event.onset_ns - self.night.t0_ns) / NS
                what = f"{event.status:<9} {event.label.wire}  count {event.count}  {event.duration_s:.1f} s"
                self.bar.note(f"{at_s:9.1f} s  {what}")
