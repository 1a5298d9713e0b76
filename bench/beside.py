"""Series under other weights, told in the same pass: only the tracker of spasms is there once more for each.

What fills a night's computing, simulation, filters and measurements, is the same whatever the weights. States and
plain movements, which ask the tracker a little (members of a series are no sign of waking), stay as the first
settings have them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from unittest import mock

import dsp.spasms
from dsp.bursts import Pulse
from dsp.chain import Chain
from dsp.records import Event, Output, Site
from dsp.scene import Scene
from dsp.settings import Settings
from dsp.shape import measure
from dsp.spasms import SpasmTracker
from dsp.together import together_of

__all__ = ["ManySpasms", "differs_in_series_alone", "measured_once"]

_SERIES = ("spasm_tables", "spasm_bias", "spasm_pairs", "series_tables", "series_bias", "version")


def differs_in_series_alone(settings: Settings, other: Settings) -> bool:
    """Whether the other settings ask for nothing but other weights of spasm-like movements and their series."""
    return replace(settings, **{name: getattr(other, name) for name in _SERIES}) == other


@dataclass(slots=True)
class ManySpasms(SpasmTracker):
    """A tracker that others with settings of their own are led beside."""

    others: list[tuple[SpasmTracker, Settings]] = field(default_factory=list)
    told: list[list[Event]] = field(default_factory=list)
    """what each of the others told"""
    own: set[str] = field(default_factory=set)
    """ids of what the tracker itself told"""

    @classmethod
    def beside(cls, settings: Sequence[Settings]) -> ManySpasms:
        """Trackers that have seen nothing yet."""
        return cls(others=[(SpasmTracker(), s) for s in settings], told=[[] for _ in settings])

    def pulse(self, pulse: Pulse) -> None:
        """Take a pulse that became known."""
        SpasmTracker.pulse(self, pulse)
        for tracker, _ in self.others:
            tracker.pulse(pulse)

    def hop(self, h: int, chains: dict[Site, Chain], scene: Scene, settings: Settings) -> list[Event]:
        """Decide what is due at the end of hop h."""
        return self._all(lambda t, s: SpasmTracker.hop(t, h, chains, scene, s), settings)

    def wake(self, h: int, settings: Settings) -> int:
        """The first hop from h on at which any of them has something to decide."""
        return min(SpasmTracker.wake(self, h, settings), *(t.wake(h, s) for t, s in self.others))

    def finish(self, h: int, scene: Scene, settings: Settings) -> list[Event]:
        """End everything at the end of a recording."""
        return self._all(lambda t, s: SpasmTracker.finish(t, h, scene, s), settings)

    def _all(self, asked: Callable[[SpasmTracker, Settings], list[Event]], settings: Settings) -> list[Event]:
        out = asked(self, settings)
        self.own |= {e.id for e in out}
        for (tracker, theirs), told in zip(self.others, self.told, strict=True):
            told += asked(tracker, theirs)
        return out

    def instead(self, outputs: Sequence[Output]) -> list[list[Output]]:
        """For each of the others all of the outputs, with what it told in the place of what the tracker itself told."""
        rest = [o for o in outputs if not (isinstance(o, Event) and o.id in self.own)]
        return [sorted([*rest, *told], key=_told_ns) for told in self.told]


def _told_ns(output: Output) -> int:
    return output.told_ns if isinstance(output, Event) else 0


@contextmanager
def measured_once() -> Iterator[None]:
    """The trackers ask for the same measurements of a movement one after the other: they are made once."""
    kept: dict[tuple[Any, ...], Any] = {}

    def once(make: Callable[[], Any], k: int, *key: object) -> Any:  # noqa: ANN401 - hands on what it is given
        if kept and next(iter(kept))[0] != k:
            kept.clear()
        if (k, *key) not in kept:
            kept[k, *key] = make()
        return kept[k, *key]

    def measuring(history: Any, k: int, *, reach_k: int) -> Any:  # noqa: ANN401 - as above
        return once(lambda: measure(history, k, reach_k=reach_k), k, id(history))

    def between(histories: Mapping[Site, Any], site: Site, k: int) -> Any:  # noqa: ANN401 - as above
        return once(lambda: together_of(histories, site, k), k, site, *histories)

    with (
        mock.patch.object(dsp.spasms, "measure", measuring),
        mock.patch.object(dsp.spasms, "together_of", between),
    ):
        yield
