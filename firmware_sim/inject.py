"""A simulated movement added onto a real recording, in that sensor's own axes, counts and sample times.

What a sensor would have seen more had this body moved so: simulated with the movement, minus simulated
without it. The simulated sensor is turned until gravity points where it points in the recording; which way it
looks around gravity no accelerometer knows, so that is drawn. The same turn holds for force and angular rate.
Each burst, from rest to rest, is set against the gravity of its own moment.

Adding is an approximation where the real limb turns while it is added to: the simulated body does not turn
along. It is exact on a limb at rest, which is where these movements mostly begin.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dsp.records import NS, Counts, Segment, SegmentFlag, Site
from firmware_sim.body import Body, draw_rest, motion_at
from firmware_sim.draw import Draw
from firmware_sim.movement import Infant, Movement
from firmware_sim.steps import Channel, Steps, Trajectory
from firmware_sim.track import UnknownSiteError
from firmware_sim.truth import Truth, tell_truth

__all__ = [
    "DoesNotFitError",
    "DoesNotReturnError",
    "Injected",
    "NoGravityError",
    "gravity_near",
    "inject",
    "outings",
]

_RETURNED_RAD: Final = 1e-9
"""What rounding leaves of a sum of steps that cancel; also in m for the slides."""
_NEAR_S: Final = (1.5, 6.0, 24.0)
"""Looked at before and after a moment to find gravity: first close by, further when it cancels out there."""
_LONG_S: Final = 10.0
"""Of a longer burst only this much of the beginning counts: a person turns over in the meantime."""
_WEAKEST_G: Final = 0.35
"""A sensor that turns all ways averages to little; below this the direction is not gravity's any more."""
_ROUNDS: Final = 30
"""Of Weiszfeld's iteration; the direction moves by less than a milliradian from a dozen on."""
_LOWEST: Final = np.iinfo(np.int16).min
_HIGHEST: Final = np.iinfo(np.int16).max

_Floats = NDArray[np.float64]


class DoesNotReturnError(ValueError):
    """A movement that leaves the body in another posture would leave a step at its end."""

    def __init__(self, channels: Sequence[Channel]) -> None:
        names = ", ".join(channel.name for channel in channels)
        super().__init__(
            f"the movement leaves {names} elsewhere than they were; only what returns can be added"
        )


class DoesNotFitError(ValueError):
    """The movement begins before the recording or ends after it, and would be cut off."""

    def __init__(self, begin_s: float, end_s: float, length_s: float) -> None:
        super().__init__(
            f"the movement would last from {begin_s:.1f} to {end_s:.1f} s of a recording of {length_s:.1f} s; "
            "choose another time or a shorter movement"
        )


class NoGravityError(ValueError):
    """Nowhere near does the acceleration average to a direction."""

    def __init__(self, site: Site, at_s: float) -> None:
        super().__init__(
            f"no direction of gravity is to be found at {site} around {at_s:.1f} s; choose another time"
        )


@dataclass(frozen=True, slots=True, eq=False)
class Injected:
    """The recording with the movement in it, and the truth about what was added (states are unknown)."""

    segments: tuple[Segment, ...]
    truth: Truth


def inject(
    segments: Sequence[Segment],
    movement: Movement,
    infant: Infant,
    *,
    at_ns: int,
    seed: int,
    rest: dict[Channel, float] | None = None,
    name: str = "infant-1",
) -> Injected:
    """Add a movement to what real sensors recorded; all samples it does not touch stay as they are.

    Args:
        segments: A recording, any sites out of the body's, any rates, with or without angular rate.
        movement: What is added; its time 0 comes to lie at `at_ns`. It must return to where it began.
        infant: Whose body moves.
        at_ns: Data time.
        seed: Draws the resting posture and each sensor's heading.
        rest: Resting posture to move from; drawn when None.
        name: Id of the infant in the truth.

    Returns:
        The segments in the order given, with a clip flag where an added sample stands at the range's end.

    Raises:
        UnknownSiteError: the body has no sensor at one of the sites.
        DoesNotReturnError: the movement would leave a step behind.
        DoesNotFitError: it would begin before the recording or end after it.
        NoGravityError: the recording around it has no direction that gravity could have.
    """
    by_site: dict[Site, list[Segment]] = defaultdict(list)
    for segment in sorted(segments, key=attrgetter("t0_ns")):
        by_site[segment.site].append(segment)
    for site in by_site.keys() - infant.body.places.keys():
        raise UnknownSiteError(site, infant.body.places)
    spans = outings(movement.steps)
    t0_ns, end_ns = (min(s.t0_ns for s in segments), max(s.end_ns for s in segments))
    since_s = (at_ns - t0_ns) / NS
    _check_fits(movement.steps, since_s, (end_ns - t0_ns) / NS)
    posture = draw_rest(Draw(seed, "rest")) if rest is None else rest
    changed: dict[tuple[Site, int], Segment] = {}
    for site, own in by_site.items():
        adder = _Adder(site, own, infant.body, movement.steps, posture, at_ns=at_ns, seed=seed)
        for begin_s, stop_s in spans:
            adder.add(begin_s, stop_s)
        changed |= {(site, segment.t0_ns): segment for segment in adder.segments}
    truth = tell_truth(
        movement.shifted(since_s).marks,
        (),
        infant=name,
        body=infant.body,
        sites=tuple(site for site in Site if site in by_site),
        start_ns=t0_ns,
        duration_s=(end_ns - t0_ns) / NS,
    )
    return Injected(tuple(changed[s.site, s.t0_ns] for s in segments), truth)


def _check_fits(steps: Steps, since_s: float, length_s: float) -> None:
    if since_s + steps.begin_s < 0.0 or since_s + steps.end_s > length_s:
        raise DoesNotFitError(since_s + steps.begin_s, since_s + steps.end_s, length_s)


def outings(steps: Steps) -> list[tuple[float, float]]:
    """Bursts of a movement as (begin_s, end_s): between them every joint rests where it began.

    Raises:
        DoesNotReturnError: it does not rest there at the end.
    """
    order = np.argsort(steps.start_s, kind="stable")
    rows = np.stack(
        [steps.start_s[order], (steps.start_s + steps.span_s)[order], order.astype(np.float64)], axis=1
    )
    lasting = [(spline.begin_s, spline.end_s, -1) for spline in steps.splines]
    left, spans, begin, end = np.zeros(len(Channel)), [], np.inf, -np.inf
    for start_s, stop_s, row in sorted([*map(tuple, rows.tolist()), *lasting]):
        if start_s > end and np.all(np.abs(left) < _RETURNED_RAD):
            spans.append((begin, end))
            begin = start_s
        end = max(end, stop_s)
        if row >= 0:
            left[steps.channel[int(row)]] += steps.delta[int(row)]
    if np.any(astray := np.abs(left) >= _RETURNED_RAD):
        raise DoesNotReturnError([Channel(int(c)) for c in np.flatnonzero(astray)])
    return [*spans, (begin, end)][1:]


class _Adder:
    """Adds bursts to the segments of one site."""

    def __init__(
        self,
        site: Site,
        segments: list[Segment],
        body: Body,
        steps: Steps,
        rest: dict[Channel, float],
        *,
        at_ns: int,
        seed: int,
    ) -> None:
        self.segments = list(segments)
        self._real = tuple(segments)
        self._site, self._body, self._at_ns = site, body, at_ns
        self._moving = Trajectory(steps, rest)
        still, _ = motion_at(body, Trajectory(Steps.join([]), rest), site, t0_s=0.0, dt_s=1.0, n=1)
        self._still_g = still[0].astype(np.float64)
        way = Draw(seed, f"heading/{site}").between(0.0, 2.0 * np.pi)
        self._turn, self._down = _about(_unit(self._still_g), way), _unit(self._still_g)

    def add(self, begin_s: float, end_s: float) -> None:
        """Add what happens between two times of the movement."""
        first_ns, last_ns = (self._at_ns + round(t * NS) for t in (begin_s, end_s))
        touched = [i for i, s in enumerate(self._real) if s.end_ns > first_ns and s.t0_ns <= last_ns]
        if not touched:
            return
        down = gravity_near(self._real, first_ns, last_ns)
        self._turn, self._down = _least_turn(self._down, down) @ self._turn, down
        for i in touched:
            self.segments[i] = self._added(self.segments[i], first_ns, last_ns)

    def _added(self, segment: Segment, first_ns: int, last_ns: int) -> Segment:
        first = max(-(-(first_ns - segment.t0_ns) // segment.step_ns), 0)
        stop = min((last_ns - segment.t0_ns) // segment.step_ns + 1, segment.n)
        if stop <= first:
            return segment
        acc, gyro = motion_at(
            self._body,
            self._moving,
            self._site,
            t0_s=(segment.t0_ns + first * segment.step_ns - self._at_ns) / NS,
            dt_s=segment.step_ns / NS,
            n=stop - first,
        )
        change = [(acc - self._still_g) @ self._turn.T / segment.scale.acc_g]
        if segment.counts.shape[1] > 3:
            change.append(gyro.astype(np.float64) @ self._turn.T / segment.scale.gyro_dps)
        return _with(segment, slice(first, stop), np.concatenate(change, axis=1))


def _with(segment: Segment, where: slice, change: _Floats) -> Segment:
    """The segment with a change in counts; a sample at the range's end stays, for what it was is not known."""
    real = segment.counts[where]
    stuck = (real == _LOWEST) | (real == _HIGHEST)
    wanted = np.where(stuck, real, np.rint(real + change))
    counts: Counts = segment.counts.copy()
    counts[where] = np.clip(wanted, _LOWEST, _HIGHEST).astype(np.int16)
    at_end = (counts[where] == _LOWEST) | (counts[where] == _HIGHEST)
    clipped = bool(np.any(at_end & ~stuck))
    flags = segment.flags | SegmentFlag.CLIPPED if clipped else segment.flags
    return replace(segment, counts=counts, flags=flags)


def gravity_near(segments: Sequence[Segment], first_ns: int, last_ns: int) -> _Floats:
    """Unit vector of specific force at rest around a stretch of time, in the sensor's axes, shape (3,).

    The geometric median of the acceleration, which a few strong jerks do not move and which turns along with
    the axes; looked for further around where it cancels out.

    References:
        Weiszfeld (1937), Sur le point pour lequel la somme des distances de n points donnes est minimum.

    Raises:
        NoGravityError: a sensor that turns all ways.
    """
    last_ns = min(last_ns, first_ns + round(_LONG_S * NS))
    for near_s in _NEAR_S:
        acc_g = _acceleration(segments, first_ns - round(near_s * NS), last_ns + round(near_s * NS))
        if len(acc_g) and np.linalg.norm(middle := _geometric_median(acc_g)) > _WEAKEST_G:
            return _unit(middle)
    raise NoGravityError(segments[0].site, (first_ns - segments[0].t0_ns) / NS)


def _acceleration(segments: Sequence[Segment], first_ns: int, stop_ns: int) -> _Floats:
    rows: list[_Floats] = [np.empty((0, 3), np.float64)]
    for segment in segments:
        first = max((first_ns - segment.t0_ns) // segment.step_ns, 0)
        stop = max((stop_ns - segment.t0_ns) // segment.step_ns, 0)
        rows.append(segment.counts[first:stop, :3].astype(np.float64) * segment.scale.acc_g)
    return np.concatenate(rows)


def _geometric_median(points: _Floats) -> _Floats:
    middle = np.median(points, axis=0)
    for _ in range(_ROUNDS):
        weight = 1.0 / np.maximum(np.linalg.norm(points - middle, axis=1), 1e-6)
        middle = weight @ points / weight.sum()
    return np.asarray(middle, np.float64)


def _unit(vector: _Floats) -> _Floats:
    return vector / float(np.linalg.norm(vector))


def _about(axis: _Floats, angle: float) -> _Floats:
    """Rotation matrix about a unit axis (Rodrigues)."""
    x, y, z = axis
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return np.asarray(np.eye(3) + np.sin(angle) * cross + (1.0 - np.cos(angle)) * cross @ cross, np.float64)


def _least_turn(start: _Floats, to: _Floats) -> _Floats:
    """The smallest rotation that takes one unit vector to another; opposite ones turn about any axis across."""
    across = np.cross(start, to)
    size = float(np.linalg.norm(across))
    if size < 1e-9:
        side = np.eye(3)[int(np.argmin(np.abs(start)))]
        across, size = np.cross(start, side), float(np.linalg.norm(np.cross(start, side)))
        return _about(across / size, 0.0 if start @ to > 0.0 else np.pi)
    return _about(across / size, float(np.arctan2(size, start @ to)))
