"""What stands on the pages of a report, and in which order: coverage first, then counts, then how it looked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Final

from alerts.catalogue import Catalogue
from alerts.words import duration
from dsp.records import NS, Label, Site
from dsp.settings import Settings
from lullwatch.diary import MARK_LETTERS, Entry
from lullwatch.night_facts import Span
from lullwatch.waveforms import Waveform

from .document import Block, Column, Document, Figure, Heading, NewPage, Paragraph, Table
from .facts import ReportFacts, Series, local
from .night_figure import MANY, nights_figure
from .panels import panels_figure
from .saying import (
    counted,
    entry_said,
    moment,
    number,
    said_by_people,
    seconds_said,
    spread,
    state_change,
)
from .wave_figure import wave_figure

__all__ = ["Shown", "document"]

_NIGHTS_A_FIGURE: Final = 31
_OBSERVED_ON_FIRST: Final = 3
"""What people saw that fits on the first page, beside nights of two weeks; all of it stands further behind."""
_CAUSES_NAMED: Final = 3
_NIGHT_HOURS: Final = (23, 7)
"""Begin and end of the night whose share doctors compare."""
_SOON_MIN: Final = 20


@dataclass(frozen=True, slots=True)
class Shown:
    """An event whose waveforms are drawn."""

    series: Series
    waves: Mapping[Site, Waveform]


def document(facts: ReportFacts, shown: Sequence[Shown], words: Catalogue) -> Document:
    """Put a report together.

    Args:
        facts: what was recorded.
        shown: events to draw, in the order to draw them.
        words: the language.
    """
    writer = _Writer(facts, words)
    return Document(
        language=words.language,
        title=words.text("report.title"),
        subtitle=writer.subtitle(),
        header=words.text("summary.header", version=version("lullwatch")),
        page=words.text("report.page", n="{n}", of="{of}"),
        made_ns=facts.newest_ns,
        blocks=(
            *writer.coverage(), *writer.series(), *writer.nights(), *writer.others(), *writer.observed(),
            NewPage(), *writer.waves(shown), *writer.method(), *writer.limits(),
            NewPage(), *writer.every_event(), *writer.diary(),
        ),
    )  # fmt: skip


class _Writer:
    """One section each."""

    def __init__(self, facts: ReportFacts, words: Catalogue) -> None:
        self._facts = facts
        self._words = words
        self._text = words.text
        self._seen = duration(words, facts.seen_ns)

    def subtitle(self) -> str:
        """Whose, when, with which sensors."""
        facts = self._facts
        age = self._text("report.age", weeks=facts.age_days // 7) if facts.age_days is not None else ""
        return self._text(
            "report.subtitle",
            infant=facts.infant, first=facts.first, last=facts.last, zone=facts.zone, age=age,
            sites=", ".join(self._words.sites[s] for s in facts.sites), until=moment(facts.newest_ns, facts.zone),
        )  # fmt: skip

    def coverage(self) -> Iterable[Block]:
        """How much could be seen, before any count."""
        facts, words = self._facts, self._words
        partly = (
            self._text("coverage.partly", span=duration(words, facts.degraded_ns))
            if facts.degraded_ns
            else ""
        )
        whole = duration(words, facts.watched_ns)
        recorded = self._text("coverage.sentence", seen=self._seen, whole=whole) + partly
        asked = len(facts.evenings())
        nights = self._text("report.nights_of", n=len(facts.nights), asked=asked)
        worn = "; ".join(f"{words.sites[s]} {duration(words, facts.worn_ns(s))}" for s in facts.sites)
        said = [f"{recorded}; {nights}.", self._text("summary.worn", which=worn or "-"), self._blind()]
        yield Heading(self._text("report.coverage"))
        yield Paragraph(" ".join(said), "strong")

    def _blind(self) -> str:
        spans = [span for n in self._facts.nights for span in n.facts.blind]
        if not spans:
            return self._text("summary.none_blind", whole=duration(self._words, self._facts.watched_ns))
        length = duration(self._words, sum(s.length_ns for s in spans))
        stretches = self._words.counted("summary.stretches", len(spans))
        return self._text("summary.blind", length=length, stretches=stretches, which=self._causes(spans))

    def _causes(self, spans: Sequence[Span]) -> str:
        """Causes of blindness, each with how long it lasted, the longest first."""
        lengths: dict[str, int] = {}
        for span in spans:
            for code in {cause.partition(":")[0] for cause in span.causes}:
                lengths[code] = lengths.get(code, 0) + span.length_ns
        longest = sorted(lengths.items(), key=lambda item: (-item[1], item[0]))[:_CAUSES_NAMED]
        return "; ".join(
            f"{self._words.causes.get(code, code.replace('_', ' '))} {duration(self._words, ns)}"
            for code, ns in longest
        )

    def series(self) -> Iterable[Block]:
        """Repeated brief movements in sentences."""
        series, words = self._facts.series, self._words
        name = words.names[Label.SPASM_LIKE_CLUSTER.wire]
        yield Heading(name[0].upper() + name[1:])
        if not series:
            yield Paragraph(self._text("report.no_series", seen=self._seen), "strong")
            yield Paragraph(self._text("summary.limits"))
            return
        total = sum(s.event.count for s in series)
        clear = sum(s.match == "clear" for s in series)
        yield Paragraph(
            self._text(
                "report.series",
                n=len(series),
                movements=counted(words, Label.SPASM_LIKE_CLUSTER, total),
                seen=self._seen, clear=clear, weak=len(series) - clear,
            ),
            "strong",
        )  # fmt: skip
        yield Paragraph(" ".join(self._about_series(series)))

    def _about_series(self, series: Sequence[Series]) -> Iterable[str]:
        words, n = self._words, len(series)
        yield self._text(
            "report.per_series",
            movements=spread([s.event.count for s in series], lambda v: f"{v:g}", words),
            lengths=spread([s.duration_s for s in series], lambda v: seconds_said(words, v), words),
        )
        apart = [s.event.interval_mean_s for s in series if s.event.interval_mean_s is not None]
        if apart:
            yield self._text(
                "report.intervals",
                apart=spread(apart, lambda v: f"{number(words, v)} s", words),
            )
        hours = [local(s.onset_ns, self._facts.zone).hour for s in series]
        begin, end = _NIGHT_HOURS
        at_night = sum(hour >= begin or hour < end for hour in hours)
        soon = sum(
            s.event.since_waking_s is not None and s.event.since_waking_s < _SOON_MIN * 60 for s in series
        )
        yield self._text(
            "report.when",
            night=at_night,
            n=n,
            begin=f"{begin:02d}",
            end=f"{end:02d}",
            soon=soon,
            minutes=_SOON_MIN,
        )

    def nights(self) -> Iterable[Block]:
        """Every night asked for, and the charts of the series."""
        evenings = self._facts.evenings()
        for first in range(0, len(evenings), _NIGHTS_A_FIGURE):
            part = evenings[first : first + _NIGHTS_A_FIGURE]
            yield Figure(
                nights_figure(self._facts, self._words, nights=part), self._marks_said() if first == 0 else ""
            )
        if self._facts.series:
            yield Figure(panels_figure(self._facts, self._words))

    def _marks_said(self) -> str:
        said = [
            f"{MARK_LETTERS[m.kind]} {moment(m.utc_ns, self._facts.zone)} {m.text}" for m in self._facts.marks
        ]
        return "; ".join([self._text("report.figure_note"), *said])

    def others(self) -> Iterable[Block]:
        """The other patterns, by kind."""
        rows = []
        for label in Label:
            own = [s for s in self._facts.shown if s.event.label is label]
            if own and label is not Label.SPASM_LIKE_CLUSTER:
                rows.append(self._kind_row(label, own))
        if not rows:
            return
        columns = (
            Column(self._text("report.pattern"), 5), Column(self._text("report.events"), 1.6, "right"),
            Column(self._text("report.movements"), 3, "right"), Column(self._text("report.clear"), 1.6, "right"),
            Column(self._text("report.longest"), 2.4, "right"), Column(self._text("report.per_10_h"), 2.6, "right"),
        )  # fmt: skip
        yield Table(self._text("report.others", seen=self._seen), columns, tuple(rows))

    def _kind_row(self, label: Label, own: Sequence[Series]) -> tuple[str, ...]:
        words, hours = self._words, self._facts.seen_ns / (3600 * NS)
        return (
            words.names[label.wire],
            str(len(own)),
            counted(words, label, sum(s.event.count for s in own)),
            str(sum(s.match == "clear" for s in own)),
            seconds_said(words, max(s.duration_s for s in own)),
            number(words, 10 * len(own) / hours) if hours else "-",
        )

    def observed(self) -> Iterable[Block]:
        """What people saw, and what the sensors recorded at that time: side by side, neither corrects the other."""
        observed = self._facts.observed
        series = len(self._facts.series)
        yield Heading(self._text("report.observed"))
        said = self._text("report.side_by_side", n=len(observed), series=series, seen=self._seen)
        yield Paragraph(said)
        if self._observed_first:
            more = len(observed) - len(self._observed_first)
            title = self._text("report.and_more", n=more) if more > 0 else ""
            yield self._side_by_side(title, self._observed_first)

    @property
    def _observed_first(self) -> tuple[Entry, ...]:
        """What people saw that stands on the first page already."""
        return self._facts.observed[:_OBSERVED_ON_FIRST] if len(self._facts.evenings()) <= MANY else ()

    def _side_by_side(self, title: str, entries: Sequence[Entry]) -> Table:
        columns = (
            Column(self._text("report.time"), 2.1), Column(self._text("report.people_saw"), 6),
            Column(self._text("report.sensors_then"), 4.7),
        )  # fmt: skip
        rows = tuple(
            (moment(e.utc_ns, self._facts.zone), entry_said(e, self._words, kind=False), self._then(e.utc_ns))
            for e in entries
        )
        return Table(title, columns, rows)

    def _then(self, utc_ns: int) -> str:
        """What the sensors recorded about a moment that a person wrote down."""
        near = [s for s in self._facts.shown if any(e.utc_ns == utc_ns for e in s.beside)]
        if near:
            return "; ".join(
                f"{local(s.onset_ns, self._facts.zone):%H:%M} {self._words.names[s.event.label.wire]}, "
                f"{counted(self._words, s.event.label, s.event.count)}"
                for s in near
            )
        seen = any(span.begin_ns <= utc_ns < span.end_ns for n in self._facts.nights for span in n.facts.seen)
        return self._text("report.then_no_pattern" if seen else "report.then_blind")

    def waves(self, shown: Sequence[Shown]) -> Iterable[Block]:
        """The clearest waveforms."""
        yield Heading(self._text("report.waves"))
        if not shown:
            yield Paragraph(self._text("report.no_waves"))
            return
        yield Paragraph(self._text("report.waves_note"), "small")
        for one in shown:
            title = self._wave_title(one.series)
            yield Figure(wave_figure(one.series, one.waves, self._words, title=title), title)

    def _wave_title(self, series: Series) -> str:
        event, words = series.event, self._words
        return ", ".join(
            [
                moment(series.onset_ns, self._facts.zone, with_seconds=True),
                words.names[event.label.wire],
                words.in_time.format(
                    what=counted(words, event.label, event.count),
                    duration=seconds_said(words, series.duration_s),
                ),
                words.match[series.match],
                self._text("report.states_said", change=state_change(words, event)),
            ]
        )

    def method(self) -> Iterable[Block]:
        """How it was recorded and counted."""
        rule = Settings()
        yield Heading(self._text("report.method"))
        yield Paragraph(
            self._text(
                "report.method_text",
                members=rule.cluster_members, gap=f"{rule.cluster_gap_s:g}", span=f"{rule.cluster_span_s:g}",
                settings=", ".join(self._facts.settings) or "-", zone=self._facts.zone, minutes=5,
            ),
            "small",
        )  # fmt: skip

    def limits(self) -> Iterable[Block]:
        """What this cannot tell, and when to act whatever it says."""
        words = self._words
        present = {s.event.label.wire for s in self._facts.shown}
        yield Heading(self._text("report.limits"))
        yield Paragraph(f"{self._text('summary.limits')} {self._text('report.limits_text')}", "small")
        yield Heading(self._text("report.act"))
        yield Paragraph(words.emergency, "strong")
        general = [text for wire, text in words.same_day.items() if wire in present]
        yield Paragraph(" ".join([*general, words.always]), "small")

    def every_event(self) -> Iterable[Block]:
        """Each series and each other pattern by itself."""
        words = self._words
        columns = (
            Column(self._text("report.time"), 3.3), Column(self._text("report.pattern"), 3.9),
            Column(self._text("report.n"), 0.6, "right"), Column(self._text("report.lasted"), 1.7, "right"),
            Column(self._text("report.apart"), 1.7, "right"), Column(self._text("report.side"), 1.3),
            Column(self._text("report.states"), 2.7), Column(self._text("report.waking"), 1.5, "right"),
            Column(self._text("report.match"), 1.7), Column(self._text("report.by_people"), 3.6),
        )  # fmt: skip
        rows = tuple(self._event_row(s) for s in self._facts.shown)
        yield Heading(self._text("report.every_event"))
        if not rows:
            yield Paragraph(self._text("summary.none_events", seen=self._seen))
            return
        seen = self._text("report.counts_in", seen=self._seen)
        yield Table(seen, columns, rows)
        yield Paragraph(f"{words.text('report.sides_note')}", "small")

    def _event_row(self, series: Series) -> tuple[str, ...]:
        event, words = series.event, self._words
        return (
            moment(series.onset_ns, self._facts.zone, with_seconds=True),
            words.names[event.label.wire],
            str(event.count),
            seconds_said(words, series.duration_s),
            "" if event.interval_mean_s is None else f"{number(words, event.interval_mean_s)} s",
            self._text(f"report.side_{event.side}"),
            state_change(words, event),
            "" if event.since_waking_s is None else f"{event.since_waking_s / 60:.0f} min",
            self._text(f"report.match_{series.match}"),
            said_by_people(series, words, self._facts.zone),
        )

    def diary(self) -> Iterable[Block]:
        """Everything people wrote."""
        if len(self._observed_first) < len(self._facts.observed):
            yield Heading(self._text("report.observed"))
            yield self._side_by_side("", self._facts.observed)
        yield Heading(self._text("report.diary"))
        if not self._facts.entries:
            yield Paragraph(self._text("report.no_entries"))
            return
        columns = (
            Column(self._text("report.time"), 2.2), Column(self._text("report.written"), 10),
            Column(self._text("report.by"), 1.5),
        )  # fmt: skip
        rows = tuple(
            (moment(e.utc_ns, self._facts.zone), entry_said(e, self._words), e.note.author)
            for e in self._facts.entries
        )
        yield Table(self._text("report.as_written"), columns, rows)
