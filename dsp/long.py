"""Long movements: stiffening and rhythmic jerking, or one followed by the other, for a minute and more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from dsp.chain import HOP_NS, NEVER
from dsp.context import BEGUN_BEFORE_NS
from dsp.events import Draft, event_id, tell
from dsp.records import NS, Event, EventStatus, Evidence, Label
from dsp.scene import Scene
from dsp.settings import Settings

__all__ = ["LongTracker"]

_RECOGNISED_S = 10.0
"""Rhythmic jerking is told up to this long after its onset: a part may still follow that has begun already."""


@dataclass(slots=True)
class LongTracker:
    """Parts that follow each other without a pause worth the name, and the event told of them."""

    start_ns: int = 0
    end_ns: int = 0
    parts: dict[str, Evidence] = field(default_factory=dict)
    """what each part lasted, by its id"""
    jerks: dict[str, int] = field(default_factory=dict)
    open: Draft | None = None
    minutes: int = 0

    def wake(self, h: int) -> int:
        """The first hop from h on at which it must be asked if no part begins before."""
        return h if self.parts else NEVER

    def hop(self, h: int, going: Sequence[Draft], scene: Scene, settings: Settings) -> list[Event]:
        """Follow the parts that are going on at hop h."""
        if not going and not self.parts:
            return []
        out: list[Event] = []
        pause = settings.long_gap_s * NS
        for part in sorted(going, key=lambda d: d.onset_ns):
            if self.parts and part.onset_ns > self.end_ns + pause:
                out += self.finish(h, scene, settings)
            self._join(part)
        if not going and (h + 1) * HOP_NS - self.end_ns > pause + _RECOGNISED_S * NS:
            return out + self.finish(h, scene, settings)
        return out + self._tell(h, going, scene, settings)

    def finish(self, h: int, scene: Scene, settings: Settings) -> list[Event]:
        """End the event, if one was told, and forget its parts."""
        draft, self.open = self.open, None
        self.parts, self.jerks, self.minutes = {}, {}, 0
        if draft is None:
            return []
        scene.end(draft)
        return [tell(draft, EventStatus.END, h, infant=scene.infant, settings=settings.tag)]

    def _join(self, part: Draft) -> None:
        if not self.parts:
            self.start_ns, self.end_ns = part.onset_ns, part.end_ns
        self.start_ns = min(self.start_ns, part.onset_ns)
        self.end_ns = max(self.end_ns, part.end_ns)
        kind = "stiffening_s" if part.label is Label.STIFFENING else "jerking_s"
        self.parts[part.id] = Evidence(kind, (part.end_ns - part.onset_ns) / NS, 0.0)
        if kind == "jerking_s":
            self.jerks[part.id] = part.count

    def _tell(self, h: int, going: Sequence[Draft], scene: Scene, settings: Settings) -> list[Event]:
        minutes = (self.end_ns - self.start_ns) // round(settings.long_s * NS)
        if self.open is None:
            if not minutes or not going:
                return []
            self.open, status = self._draft(going[0], scene), EventStatus.NEW
        else:
            status = EventStatus.UPDATE
        self._fill(self.open, going, scene)
        if minutes <= self.minutes:
            return []
        self.minutes = minutes
        return [tell(self.open, status, h, infant=scene.infant, settings=settings.tag)]

    def _draft(self, part: Draft, scene: Scene) -> Draft:
        state = scene.state.at(self.start_ns - 1)
        return Draft(
            event_id(scene.infant, "long", self.start_ns), Label.LONG_MOVEMENT, self.start_ns, self.end_ns,
            list(part.sites), part.side, state, state, scene.state.since_waking_s(self.start_ns),
            part.match, part.confidence,
        )  # fmt: skip

    def _fill(self, draft: Draft, going: Sequence[Draft], scene: Scene) -> None:
        draft.end_ns = self.end_ns
        draft.count = max(sum(self.jerks.values()), 1)
        draft.conveyed = scene.context.share(draft.onset_ns, draft.end_ns, before_ns=BEGUN_BEFORE_NS)
        draft.match = max([draft.match, *(p.match for p in going)])
        own = {"stiffening_s": 0.0, "jerking_s": 0.0}
        for part in self.parts.values():
            own[part.name] += part.value
        said = [_part_of(p, e) for p in going for e in p.evidence] or draft.evidence[len(own) :]
        draft.evidence = [*(Evidence(n, v, 0.0) for n, v in own.items()), *said]


def _part_of(part: Draft, row: Evidence) -> Evidence:
    """A row of a part is none of the whole's own: it answers the part's question."""
    return row if row.question else replace(row, name=f"{part.label.value}.{row.name}")
