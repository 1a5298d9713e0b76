"""Nights for research: nothing in them leads back to the child, and what was taken away is said.

Ids become random ones, drawn anew for every export and kept nowhere; dates are moved by a random number of weeks,
alike in all nights of a child, so that time of day, day of the week and the days between two nights stay; the zone
goes, the time of day stays. Free text is left out. The movement itself stays, and a rare pattern of nights can be
recognised by somebody who knows it: that is what the consent is about.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

from dsp.records import NS, Coverage, Event, Note, Segment, StateEpoch
from store.bids import PHASE_NS, BidsNight
from store.recording import Recording

from .errors import ConsentMissing, FolderHoldsFiles
from .export import Kind, Wishes, export_nights, export_recording, landing, nights_of, writing

__all__ = ["Deidentifier", "TakenAway", "consent_in", "export_deidentified"]

_T = TypeVar("_T")
_WEEK_NS: Final = 7 * 24 * 3600 * NS
_WEEKS: Final = (52, 312)
"""Dates go back by one to six years: far enough that no season or event gives them away, and EDF+ can hold them."""
_LONGEST_CONSENT: Final = 4000
_DAYS: Final = 7


@dataclass(slots=True)
class TakenAway:
    """What no longer stands in the files, for whoever passes them on."""

    nights: int = 0
    infants: int = 0
    sensors: int = 0
    events: int = 0
    notes: Counter[str] = field(default_factory=Counter)
    """wordings left out, by kind of note"""
    annotations: int = 0

    @property
    def lines(self) -> list[str]:
        """For people."""
        kinds = ", ".join(f"{n} x {kind}" for kind, n in sorted(self.notes.items())) or "none"
        infants = "1 infant" if self.infants == 1 else f"{self.infants} infants"
        return [
            f"ids of {infants}, {self.sensors} sensors and {self.events} events: replaced by random ones, "
            "which are kept nowhere",
            "dates: moved by a random number of weeks, alike in all nights of an infant; times of day and intervals "
            "stay",
            "time zone, boot numbers of sensors, the gateway's own clock: left out or replaced",
            "age: in whole weeks",
            f"wording, details and authors of notes: left out ({kinds})",
            f"annotations of other programs: left out ({self.annotations})",
            "alerts, answers, links and settings: never part of an export",
            "not taken away: the movements themselves, when in the night they were, how long it was and what was worn",
        ]


@dataclass(slots=True)
class _Child:
    alias: str
    shift_ns: int


class Deidentifier:
    """Replaces what identifies, alike in everything that goes through one and the same.

    Args:
        draw: gives a random number below its argument; for tests. By default that of the operating system.
    """

    def __init__(self, draw: Callable[[int], int] = secrets.randbelow) -> None:
        self._draw = draw
        self._children: dict[str, _Child] = {}
        self._words: dict[tuple[str, str], str] = {}
        self._boots: dict[int, int] = {}
        self.away = TakenAway()

    def night(self, night: BidsNight) -> BidsNight:
        """The night as it may be passed on."""
        recording = night.recording
        child = self._child(recording.infant)
        self.away.nights += 1
        self.away.annotations += len(recording.annotations)
        self.away.notes.update(note.kind for note in recording.notes if note.text)
        made = self._replaced(recording, child)
        self.away.infants = len(self._children)
        self.away.sensors = sum(what == "sensor" for what, _ in self._words)
        self.away.events = sum(what == "event" for what, _ in self._words)
        return BidsNight(made, None if night.age_days is None else night.age_days // _DAYS * _DAYS)

    def _replaced(self, recording: Recording, child: _Child) -> Recording:
        back_ns = recording.t0_ns // PHASE_NS * PHASE_NS
        start_ns = recording.start_utc_ns
        return Recording(
            infant=child.alias,
            zone="UTC",
            start_utc_ns=None if start_ns is None else _wall_ns(start_ns, recording.zone) - child.shift_ns,
            t0_ns=recording.t0_ns - back_ns,
            segments=tuple(self._segment(s, child, back_ns) for s in recording.segments),
            events=tuple(self._event(e, child, back_ns) for e in recording.events),
            states=tuple(_state(s, child, back_ns) for s in recording.states),
            notes=tuple(_note(n, child, back_ns) for n in recording.notes),
            coverage=tuple(_minute(c, child, back_ns) for c in recording.coverage),
        )

    def _segment(self, segment: Segment, child: _Child, back_ns: int) -> Segment:
        sensor = self._word("sensor", f"{child.alias}/{segment.sensor}", "sensor")
        boot = self._boots.setdefault(segment.boot, 1 + self._draw(2**31 - 1))
        return replace(segment, sensor=sensor, boot=boot, t0_ns=segment.t0_ns - back_ns)

    def _event(self, event: Event, child: _Child, back_ns: int) -> Event:
        def named(event_id: str | None) -> str | None:
            return None if event_id is None else self._word("event", f"{child.alias}/{event_id}", "event")

        return replace(
            event,
            id=named(event.id) or "",
            parent=named(event.parent),
            merged_into=named(event.merged_into),
            infant=child.alias,
            onset_ns=event.onset_ns - back_ns,
            end_ns=event.end_ns - back_ns,
            told_ns=event.told_ns - back_ns,
        )

    def _child(self, infant: str) -> _Child:
        if infant not in self._children:
            weeks = _WEEKS[0] + self._draw(_WEEKS[1] - _WEEKS[0])
            alias = self._word("infant", infant, "child").replace("-", "")
            self._children[infant] = _Child(alias, weeks * _WEEK_NS)
        return self._children[infant]

    def _word(self, what: str, word: str, prefix: str) -> str:
        while (what, word) not in self._words:
            drawn = f"{prefix}-{self._draw(2**40):010x}"
            if drawn not in self._words.values():
                self._words[what, word] = drawn
        return self._words[what, word]


def _wall_ns(utc_ns: int, zone: str) -> int:
    """The local time of day as if it were UTC: the zone goes, the time of day stays."""
    local = datetime.fromtimestamp(utc_ns // NS, tz=ZoneInfo(zone)).replace(tzinfo=UTC)
    return round(local.timestamp()) * NS + utc_ns % NS


def _state(state: StateEpoch, child: _Child, back_ns: int) -> StateEpoch:
    arousal_ns = None if state.arousal_ns is None else state.arousal_ns - back_ns
    return replace(state, infant=child.alias, t_ns=state.t_ns - back_ns, arousal_ns=arousal_ns)


def _note(note: Note, child: _Child, back_ns: int) -> Note:
    return Note(child.alias, note.t_ns - back_ns, note.kind, "", "")


def _minute(minute: Coverage, child: _Child, back_ns: int) -> Coverage:
    return replace(minute, infant=child.alias, t_ns=minute.t_ns - back_ns)


def consent_in(path: Path) -> str:
    """The text of a consent note.

    Raises:
        ConsentMissing: there is none, or nothing in it.
    """
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConsentMissing(path, str(error)) from error
    if not text or len(text) > _LONGEST_CONSENT:
        raise ConsentMissing(path, f"it holds {len(text)} letters, 1 to {_LONGEST_CONSENT} are expected")
    return text


def export_deidentified(
    journals: Sequence[Path],
    folder: Path,
    *,
    consent: Path,
    kind: Kind = Kind.EDF,
    infant: str | None = None,
    on_progress: Callable[[float], None] = lambda _: None,
) -> tuple[list[Path], TakenAway]:
    """Write nights so that nothing leads back to the child, into an empty or new folder.

    Args:
        journals: one for each night.
        folder: where the files go; README.txt (in a dataset README) says what was taken away and holds the consent.
        consent: file with what the family agreed to, in words without names.
        kind: what to write.
        infant: only this one.
        on_progress: called with the seconds of data that were written since the last call.

    Raises:
        ConsentMissing: without a note of consent nothing is written.
        FolderHoldsFiles: what lies there already could be put together with these files.
        NothingToReplay, CannotWrite, store.errors.StoreError: as `export.export`.
    """
    said = consent_in(consent)
    if folder.exists() and any(folder.iterdir()):
        raise FolderHoldsFiles(folder)
    through = Deidentifier()
    nights = [through.night(night) for _, night in nights_of(journals, Wishes(infant=infant))]
    if kind is Kind.BIDS:
        words = " ".join([said, "Taken away: ", "; ".join(through.away.lines)])
        return export_nights(nights, folder, Wishes(consent_note=words), on_progress), through.away
    paths: list[Path] = []
    for number, night in enumerate(nights, start=1):
        name = f"{night.recording.infant}_night-{number:02}"
        with landing(folder, name) as landed:
            paths += export_recording(night.recording, landed, name, kind=kind, on_progress=on_progress)
    with writing(folder):
        (folder / "README.txt").write_text(_readme(said, through.away), encoding="utf-8")
    return [folder / path.name for path in paths], through.away


def _readme(consent: str, away: TakenAway) -> str:
    lines = "\n".join(f"* {line}" for line in away.lines)
    return f"""De-identified export by lullwatch: {away.nights} nights of {away.infants} infants, from motion sensors.
The format of each file is described in docs/recordings.md of lullwatch.

The events were told apart by a program. They name what a movement looks like, never a cause, and are no diagnosis.

Taken away:
{lines}

Consent, as stated by whoever made this export:
{consent}
"""
