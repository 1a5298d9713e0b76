"""What a detector must get right, one scenario each: the trickiest look-alikes, and the subtle ones that count.

Numbers in brackets are those of the list at the end of section 7 of the project's clinical reference; rows are those of
its tables 1a and 1b. Each hour holds its look-alike several times, in the state and at the age it belongs to.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from dsp.records import Site, State
from firmware_sim.life import usual_background
from firmware_sim.scenario import Phase, Placed, Scenario
from firmware_sim.wearing import Worn

__all__ = ["CONFOUNDERS"]

_NOT_BY_ITSELF: Final = frozenset({"hiccups", "spindle_twitches", "sucking", "jitteriness"})
"""A scenario shows one look-alike; those that last for minutes would lie over it."""
_AWAKE, _ACTIVE, _QUIET = State.AWAKE, State.ACTIVE_SLEEP, State.QUIET_SLEEP


def _at(minute: float, kind: str, **options: float | str | bool) -> Placed:
    return Placed(kind, 60.0 * minute, options)


def _scene(
    name: str,
    age_days: int,
    about: str,
    phases: tuple[tuple[State, float], ...],
    *placed: Placed,
    worn: tuple[Worn, ...] = (),
) -> Scenario:
    minutes = sum(span for _, span in phases)
    return Scenario(
        name=name,
        duration_s=60.0 * minutes,
        age_days=age_days,
        phases=tuple(Phase(state, span) for state, span in phases),
        placed=placed,
        background=replace(usual_background(age_days), without=_NOT_BY_ITSELF),
        worn=worn,
        about=about,
    )


CONFOUNDERS: Final = (
    # (1) row Hiccup: intervals of a spasm cluster, CV 0.25, but the trunk alone, brief and all alike
    _scene(
        "hiccup_bout",
        70,
        "hiccups after a feed, at the intervals of a cluster: the trunk alone, brief, all alike",
        ((_AWAKE, 16), (_ACTIVE, 9)),
        _at(1, "feed", duration_s=180.0),
        _at(5, "hiccups", duration_s=500.0),
        _at(17, "hiccups", duration_s=240.0),
    ),
    # (2) row QS twitches: tied to sleep spindles about 10 s apart, at the age of spasms; tiny, distal, no trunk
    _scene(
        "spindle_twitches",
        150,
        "twitches of quiet sleep some 10 s apart: the timing of a cluster, but tiny and distal",
        ((_ACTIVE, 4), (_QUIET, 22)),
        _at(8, "spindle_twitches", duration_s=400.0),
        _at(17, "spindle_twitches", duration_s=480.0),
    ),
    # (3) rows Stretch and Kicking: in the very minutes after waking in which clusters come; ramped, no fixed interval
    _scene(
        "waking_stretch_kicks",
        180,
        "stretches and kicks right after waking, where clusters come: ramped, uneven, legs apart",
        ((_QUIET, 6), (_AWAKE, 16), (_ACTIVE, 4), (_AWAKE, 6)),
        *(_at(6.6 + 1.1 * i, "stretch") for i in range(7)),
        *(_at(7.1 + 1.1 * i, "kicking", count=3 + i % 4) for i in range(7)),
        _at(26.8, "stretch"),
        _at(27.6, "kicking", count=9),
    ),
    # (4) row Kicking: both legs at once from about five months, 0.3-0.9 g; skewed, held, carrying the trunk along
    _scene(
        "two_legged_kicks",
        190,
        "both legs kick at once, skewed, some held, the trunk carried along: as a spasm, but irregular",
        ((_AWAKE, 25),),
        *(_at(1.0 + 1.5 * i, "kicking", pattern="synchronous", count=10 + i) for i in range(5)),
        *(_at(9.0 + 1.5 * i, "kicking", pattern="synchronous", count=8, carry=0.5) for i in range(4)),
        *(
            _at(15.5 + 1.5 * i, "kicking", pattern="synchronous", count=8, carry=0.5, skew=2.2)
            for i in range(3)
        ),
        *(_at(20.5 + 1.5 * i, "kicking", pattern="synchronous", count=6, held_s=0.8) for i in range(3)),
    ),
    # (5) rows BMEI and Shuddering: awake, not separable from spasms by motion; to be told, never to be left out
    _scene(
        "awake_bmei_shuddering",
        240,
        "benign clusters of spasm-like movements, and shivers at meals: not separable by motion",
        ((_AWAKE, 30),),
        _at(3, "bmei", count=12),
        _at(13, "shuddering", count=4),
        _at(21, "bmei", count=1),
        _at(23, "shuddering", count=2),
    ),
    # (6) rows BNSM and Powered cradle: rocking provokes the jerks; they ride on the sway of all three sensors
    _scene(
        "jerks_in_rocking_cradle",
        30,
        "sleep jerks provoked by a cradle at 0.25-2 Hz: a train riding on common sway",
        ((_ACTIVE, 14), (_QUIET, 16)),
        _at(3, "powered_cradle", duration_s=420.0),
        _at(12, "sleep_jerk_train", trains=3, rocked=True),
        _at(20, "sleep_jerk_train", trains=2, rocked=True),
    ),
    # (7) row Patting: 1-2.5 Hz on the back of a sleeper; impacts come through the trunk, legs follow without lag
    _scene(
        "patted_asleep",
        60,
        "patted in its sleep at 1-2.5 Hz: led by the trunk, the legs follow at once",
        ((_AWAKE, 4), (_ACTIVE, 12), (_QUIET, 10)),
        _at(1, "patting", duration_s=240.0),
        _at(8, "patting", duration_s=120.0),
        _at(13, "patting", duration_s=60.0),
        _at(18, "patting", duration_s=180.0),
    ),
    # (8) rows Stroller, Car, Cargo bike: 4-11 Hz on a sleeping infant, alike on all sensors
    _scene(
        "stroller_asleep",
        120,
        "asleep in a pram, a car and a cargo bike: 4-11 Hz on all sensors alike",
        ((_ACTIVE, 12), (_QUIET, 24)),
        _at(1, "stroller", duration_s=900.0),
        _at(18, "car", duration_s=480.0),
        _at(27, "stroller", bike=True, duration_s=420.0),
    ),
    # (9) table 1c: 22 % single, 25 % asymmetric, 16 % of infants only subtle; not to be taken for twitches
    _scene(
        "subtle_single_asymmetric_spasms",
        200,
        "spasms that are single, faint or led by one side: not to be lost",
        ((_QUIET, 4), (_AWAKE, 30)),
        _at(5.5, "spasm", subtle=False),
        _at(7.5, "spasm", subtle=True),
        _at(9.5, "spasm", symmetry="asymmetric", leader="left"),
        _at(12, "spasm_cluster", count=9, subtle=True),
        _at(18, "spasm_cluster", count=12, symmetry="asymmetric", leader="right"),
        _at(26, "spasm", subtle=False, paired=True),
        _at(29, "spasm_cluster", count=6, symmetry="asynchronous"),
    ),
    # (10) row Clonic seizure against BNSM: the same band, both asleep; goes on through an arousal, slows, one side
    _scene(
        "clonic_asleep",
        14,
        "a newborn's one-sided jerking in sleep that slows down and goes on through an arousal",
        ((_ACTIVE, 12), (_QUIET, 16)),
        _at(4, "clonic", duration_s=70.0, side="left"),
        _at(4.6, "arousal"),
        _at(9, "sleep_jerk_train", trains=2),
        _at(15, "clonic", duration_s=100.0, side="right"),
        _at(15.8, "arousal"),
        _at(22, "clonic", duration_s=40.0),
    ),
    # row Moro/startle, section 7: pairs after a door slams
    _scene(
        "door_slam_startles",
        40,
        "doors slam: the floor shakes every sensor, then a startle or a pair of them",
        ((_AWAKE, 6), (_ACTIVE, 8), (_QUIET, 10)),
        *(_at(1.5 + 3.1 * i, "door_slam", startles=(2, 1, 0, 2, 1, 2, 1)[i]) for i in range(7)),
    ),
    # row Sandifer: arching after feeds, slow onset, the limbs spared, absent in sleep
    _scene(
        "reflux_arching",
        100,
        "arching after feeds for a minute or two: slow, the limbs spared",
        ((_AWAKE, 32),),
        _at(1, "feed", duration_s=480.0),
        _at(9.5, "sandifer", duration_s=80.0),
        _at(12, "sandifer", duration_s=120.0),
        _at(17, "feed", duration_s=420.0),
        _at(25, "sandifer", duration_s=150.0),
    ),
    # row RMD: 0.5-2 Hz from six months, on falling asleep
    _scene(
        "rocking_to_sleep",
        290,
        "rocks, bangs and rolls itself to sleep at 0.5-2 Hz",
        ((_AWAKE, 14), (_QUIET, 10)),
        _at(1, "rhythmic_movement", form="body_rocking", duration_s=180.0),
        _at(5.5, "rhythmic_movement", form="head_banging", duration_s=120.0),
        _at(9, "rhythmic_movement", form="head_rolling", duration_s=200.0),
        _at(13.5, "rhythmic_movement", form="body_rocking", duration_s=60.0),
    ),
    # row Crying: leg thrash and trunk at the rate of the cries, 0.7-1.5 Hz
    _scene(
        "crying_thrash",
        80,
        "cries and thrashes at 0.7-1.5 Hz, with pauses for breath",
        ((_AWAKE, 24),),
        _at(1.5, "crying", duration_s=100.0),
        _at(5, "crying", duration_s=240.0),
        _at(12, "crying", duration_s=40.0),
        _at(15, "crying", duration_s=300.0),
    ),
    # section 7: a loose sock rings at every movement; a sock that slips turns gravity slowly
    _scene(
        "loose_sock",
        170,
        "one sock hangs loose and rings, the other slips, through kicks, sleep and jerks",
        ((_AWAKE, 12), (_ACTIVE, 10), (_QUIET, 8)),
        _at(3, "kicking", count=20),
        _at(6, "kicking", count=12, pattern="synchronous"),
        _at(9, "stretch"),
        _at(16, "sleep_jerk_train", trains=2),
        worn=(Worn("loose", Site.LA), Worn("slips", Site.RA)),
    ),
)
