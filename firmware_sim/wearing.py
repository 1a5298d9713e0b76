"""How a sensor sits: firmly, in a sock that slips or hangs loose, on the other foot, or not on the body at all.

Whatever a sock does is written as smooth motion of the sensor against its limb and passed through the same
chain as the joints, so that angular rate, lever arms and gravity's turning go on being one history.
How socks sit on infants was never measured: all numbers here are estimates [E], drawn wide
(clinical reference, section 7: "sensor slip/loose sock ringing").
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from dsp.records import NS, Context, ContextKind, Site
from firmware_sim.body import Body, segment_at
from firmware_sim.chain import Chain, Joints
from firmware_sim.draw import Draw
from firmware_sim.handled import draw_handled
from firmware_sim.ringing import Ring, draw_ring
from firmware_sim.slipping import Slip, draw_slip

__all__ = ["OTHER_SIDE", "BadWornError", "Seen", "Worn", "WornKind", "worn_contexts"]

WornKind = Literal["loose", "slips", "off", "swapped"]

OTHER_SIDE: Final = {Site.LA: Site.RA, Site.RA: Site.LA, Site.LW: Site.RW, Site.RW: Site.LW}
"""Which sites can be exchanged."""

_SHORTEST_S: Final = {"loose": 5.0, "slips": 5.0, "off": 15.0, "swapped": 15.0}
"""Taking off and putting on take some seconds each; nothing shorter can be handled without a jump."""
_CONTEXTS: Final[dict[str, ContextKind]] = {"loose": ContextKind.LOOSE, "off": ContextKind.NOT_WORN}

_ORDER: Final = ("off", "swapped", "slips", "loose")
"""A sock rings about where it has slipped to, on the foot that wears it."""
_CHANGING_S: Final = 12.0
"""Length of an exchange of two socks [E]."""

_Floats = NDArray[np.float32]
_At = tuple[float, float, int, int]


class BadWornError(ValueError):
    """A way of wearing that cannot be."""

    def __init__(self, kind: str, site: Site, problem: str) -> None:
        super().__init__(
            f"wearing {kind!r} at {site}: {problem}; kinds: {', '.join(get_args(WornKind))}, "
            "from_s before to_s in seconds from the night's start"
        )


@dataclass(frozen=True, slots=True)
class Worn:
    """How the sensor at `site` sits from `from_s` to `to_s`, in seconds from the night's start.

    * ``loose``: it rings against the limb;
    * ``slips``: it turns and slides along the limb, slowly and at strong movements, and stays where it ended;
    * ``off``: it lies somewhere in the room, handled by somebody at both ends;
    * ``swapped``: it and its pendant on the other side are exchanged, handled at both ends.

    `from_s` of 0 or less means that it was so before the night began, an infinite `to_s` that it stays so:
    then nobody is seen handling it there.
    """

    kind: WornKind
    site: Site
    from_s: float = 0.0
    to_s: float = math.inf

    def __post_init__(self) -> None:
        """Refuse what cannot be. Raises `BadWornError`."""
        if self.kind not in get_args(WornKind):
            raise BadWornError(self.kind, self.site, "there is no such kind")
        if not self.to_s - self.from_s >= _SHORTEST_S[self.kind]:
            problem = (
                f"it lasts from {self.from_s:g} to {self.to_s:g} s, shorter than {_SHORTEST_S[self.kind]:g} s"
            )
            raise BadWornError(self.kind, self.site, problem)
        if self.kind == "swapped" and self.site not in OTHER_SIDE:
            raise BadWornError(self.kind, self.site, "it has no other side")

    def span_ns(self, start_ns: int, duration_s: float) -> tuple[int, int] | None:
        """From when to when in data time, cut to the night; None when none of it is left."""
        if self.from_s >= duration_s or self.to_s <= 0.0:
            return None
        from_s, to_s = max(self.from_s, 0.0), min(self.to_s, duration_s)
        return start_ns + round(from_s * NS), start_ns + round(to_s * NS)

    def touches(self, site: Site) -> bool:
        """Whether the sensor of this site is meant: both, where two are exchanged."""
        return site == self.site or (self.kind == "swapped" and site == OTHER_SIDE[self.site])


def worn_contexts(
    worn: Iterable[Worn], *, infant: str, sites: Sequence[Site], start_ns: int, duration_s: float
) -> tuple[Context, ...]:
    """The truth about loose and missing sensors among `sites`, cut to the night, by onset."""
    rows = [
        Context(infant, _CONTEXTS[row.kind], *span, (row.site,), confidence=1.0)
        for row in worn
        if row.kind in _CONTEXTS and row.site in sites and (span := row.span_ns(start_ns, duration_s))
    ]
    return tuple(sorted(rows, key=lambda row: (row.onset_ns, row.sites)))


class Seen:
    """What one perfect sensor sees, as it sits. Any stretch can be asked for, in any order."""

    __slots__ = ("_body", "_joints", "_rings", "_site", "_slips", "_toggles")

    def __init__(
        self,
        body: Body,
        joints: Joints,
        site: Site,
        *,
        duration_s: float,
        seed: int,
        worn: Iterable[Worn] = (),
    ) -> None:
        """Draw all that the sock will do.

        Args:
            body: Who wears it.
            joints: How the body moves.
            site: Which sensor.
            duration_s: Length of the night, seconds.
            seed: Everything drawn comes from it.
            worn: How sensors sit; rows of other sites are left alone.
        """
        rows = [row for row in worn if row.touches(site) and row.from_s < duration_s]
        self._body, self._site = body, site
        self._joints = joints
        self._toggles: list[float] = []
        self._slips: list[Slip] = []
        self._rings: list[Ring] = []
        for row in sorted(rows, key=lambda row: (_ORDER.index(row.kind), row.from_s)):
            draw = Draw(seed, f"wearing/{site}/{row.kind}/{row.from_s:.3f}")
            self._take_on(row, draw, duration_s)

    def _take_on(self, row: Worn, draw: Draw, end_s: float) -> None:
        if row.kind == "off":
            self._joints = draw_handled(draw, self._joints, row.from_s, row.to_s)
        elif row.kind == "swapped":
            self._toggles = [*self._toggles, self._changed(draw, row.from_s), self._changed(draw, row.to_s)]
        elif row.kind == "slips":
            self._slips.append(draw_slip(draw, self._look, row.from_s, min(row.to_s, end_s)))
        else:
            outward = _outward(self._body.places[self._site])
            self._rings.append(draw_ring(draw, self._force, outward, row.from_s, row.to_s, end_s))

    def _changed(self, draw: Draw, at_s: float) -> float:
        """Change sides about `at_s`; returns when, which is in a moment of stillness."""
        if at_s <= 0.0 or math.isinf(at_s):
            return -math.inf if at_s <= 0.0 else math.inf
        hand = draw_handled(draw, self._joints, at_s, at_s + _CHANGING_S)
        self._joints = hand
        return hand.still_s

    def _look(self, t0_s: float, dt_s: float, n: int) -> tuple[_Floats, _Floats]:
        return self.at(t0_s=t0_s, dt_s=dt_s, n=n)

    def _force(self, t0_s: float, dt_s: float, n: int) -> _Floats:
        at = (t0_s, dt_s, n, 0)
        return _picked([(pick, self._placed(site, at).force) for pick, site in self._sides(at)])

    def at(self, *, t0_s: float, dt_s: float, n: int, first: int = 0) -> tuple[_Floats, _Floats]:
        """What it sees at ``t0_s + i * dt_s``, first <= i < first + n.

        A sample is the same, bit for bit, whatever stretch it is asked for in.

        Returns:
            Specific force in g and angular rate in deg/s, each of shape (n, 3), in the sensor's axes.
        """
        at = (t0_s, dt_s, n, first)
        parts = [(pick, self._as_on(site, at)) for pick, site in self._sides(at)]
        acc = _picked([(pick, seen[0]) for pick, seen in parts])
        return acc, _picked([(pick, seen[1]) for pick, seen in parts])

    def _sides(self, at: _At) -> list[tuple[NDArray[np.bool_], Site]]:
        """On which limb it sits, and which samples that holds for."""
        t0_s, dt_s, n, first = at
        if not self._toggles:
            return [(np.ones(n, np.bool_), self._site)]
        t_s = t0_s + dt_s * np.arange(first, first + n)
        away = np.searchsorted(sorted(self._toggles), t_s, side="right") % 2 == 1
        both = ((~away, self._site), (away, OTHER_SIDE[self._site]))
        return [(pick, site) for pick, site in both if pick.any()]

    def _as_on(self, site: Site, at: _At) -> tuple[_Floats, _Floats]:
        chain = self._placed(site, at)
        for ring in self._rings:
            ring.pass_on(chain)
        return chain.seen(self._body.mounts[self._site])

    def _placed(self, site: Site, at: _At) -> Chain:
        t0_s, dt_s, n, first = at
        chain = segment_at(self._body, self._joints, site, t0_s=t0_s, dt_s=dt_s, n=n, first=first)
        for slip in self._slips:
            slip.pass_on(chain)
        chain.offset(self._body.places[site])
        return chain


def _picked(parts: Sequence[tuple[NDArray[np.bool_], _Floats]]) -> _Floats:
    (_, first), *later = parts
    for pick, values in later:
        first = np.where(pick[:, None], values, first)
    return first


def _outward(place_m: tuple[float, float, float]) -> tuple[float, float, float]:
    """From the limb's axis to the sensor."""
    _, y, z = place_m
    size = math.hypot(y, z)
    return 0.0, y / size, z / size
