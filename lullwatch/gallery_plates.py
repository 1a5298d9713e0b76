"""What the gallery shows: sheets of movements that are to be compared, each sheet at one scale of time."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from dsp.records import Site
from firmware_sim.generators import GENERATORS, Option
from firmware_sim.rhythmic import RMD_FORMS

__all__ = ["SHEETS", "Plate", "Sheet", "all_sheets", "cited"]

_SOCKS_AND_BODY: Final = (Site.LA, Site.RA, Site.TR)
_ARMS_AND_HEAD: Final = (Site.LW, Site.RW, Site.HD)
_FIRST_SEED: Final = 11
"""Any does; it lies outside the seeds that thresholds are set on and numbers are reported on."""


@dataclass(frozen=True, slots=True)
class Plate:
    """One movement as three sensors see it."""

    kind: str
    says: str
    """what is special about this one, in few words"""
    options: Mapping[str, Option] = field(default_factory=dict)
    age_days: int = 120
    seed: int = _FIRST_SEED
    from_s: float = -0.7
    """time of the left edge, seconds after the movement's first step"""
    around: str = ""
    """true class from whose first mark `from_s` counts instead"""
    sites: tuple[Site, ...] = _SOCKS_AND_BODY


@dataclass(frozen=True, slots=True)
class Sheet:
    """Plates on one page, all of one length of time."""

    name: str
    title: str
    caption: str
    span_s: float
    plates: tuple[Plate, ...]


_ROWS: Final = {
    "bouncing_chair": "row Infant rocker",
    "door_slam": "row Moro/startle",
    "feed": "no row: estimates [E]",
    "handling": "no row: estimates [E]",
    "kicking": "row Kicking",
    "powered_cradle": "row Powered cradle",
    "sleep_jerk_train": "row BNSM",
    "spasm": "row Epileptic spasm",
    "waking_stretch": "row Stretch",
}
"""What kinds rest on whose description names no row of the clinical tables."""


def cited(kind: str) -> str:
    """Rows and sources that the generator's own description cites, as one line."""
    text = " ".join((GENERATORS[kind].__doc__ or "").split())
    row = re.search(r"\brows? ([A-Z][^)\];]*?)(?=[)\];,])", text)
    inside = ",".join(re.findall(r"\[([^\]]*)\]", text))
    marks = sorted(set(re.findall(r"\bF\d+[a-z]?\b", inside)), key=lambda m: (int(re.sub(r"\D", "", m)), m))
    marks += [mark for mark in ("M", "E") if re.search(rf"(^|[ ,]){mark}\b", inside)]
    name = f"row {row.group(1)}" if row else _ROWS.get(kind, "")
    return " ".join([name, f"[{', '.join(marks)}]" if marks else ""]).strip()


_JERKS: Final = Sheet(
    "rhythmic-jerks",
    "Rhythmic jerks",
    "Jerks in sleep and jerks that are not: rate and shape overlap, what differs is sleep, slowing, side and arousal.",
    12.0,
    (
        Plate(
            "sleep_jerk_train",
            "both sides, 2.5 Hz",
            {"spread": "bilateral", "rate_hz": 2.5, "trains": 1, "train_s": 8.0},
            30,
        ),
        Plate(
            "sleep_jerk_train",
            "one side, 9 Hz",
            {"spread": "unilateral", "side": "left", "rate_hz": 9.0, "train_s": 5.0},
            30,
        ),
        Plate(
            "sleep_jerk_train",
            "led by the arms",
            {"arms": True, "rate_hz": 3.0, "trains": 1, "train_s": 8.0},
            30,
        ),
        Plate(
            "sleep_jerk_train",
            "led by the arms: wrists and head",
            {"arms": True, "rate_hz": 3.0, "trains": 1, "train_s": 8.0},
            30,
            sites=_ARMS_AND_HEAD,
        ),
        Plate(
            "sleep_jerk_train",
            "riding on rocking",
            {"rocked": True, "rate_hz": 3.0, "trains": 1, "train_s": 8.0},
            30,
            from_s=-2.0,
            around="bnsm",
        ),
        Plate(
            "sleep_jerk_train",
            "not rhythmic",
            {"rhythmic": False, "rate_hz": 2.0, "trains": 1, "train_s": 9.0},
            30,
        ),
        Plate("clonic", "both sides", {"side": "both", "duration_s": 30.0}, 200),
        Plate("clonic", "one side, newborn", {"side": "right", "duration_s": 30.0}, 10),
        Plate(
            "tonic_clonic",
            "the stiff phase breaks up",
            {"duration_s": 60.0, "febrile": False},
            300,
            from_s=10.0,
        ),
    ),
)
_SPASMS: Final = Sheet(
    "brief-movements",
    "Brief strong movements",
    "One spasm in its forms, and what is as short and as strong.",
    6.0,
    (
        Plate(
            "spasm",
            "flexor, with a held end",
            {"form": "flexor", "symmetry": "symmetric", "duration_s": 2.4},
            180,
        ),
        Plate(
            "spasm",
            "extensor",
            {"form": "extensor", "symmetry": "symmetric", "duration_s": 1.2},
            180,
            seed=12,
        ),
        Plate(
            "spasm",
            "mixed, one side leads",
            {"form": "mixed", "symmetry": "asymmetric", "leader": "left", "duration_s": 1.2},
            180,
        ),
        Plate(
            "spasm", "asynchronous", {"symmetry": "asynchronous", "leader": "right", "duration_s": 1.0}, 180
        ),
        Plate("spasm", "subtle", {"subtle": True, "duration_s": 1.0}, 180),
        Plate(
            "spasm",
            "wrists and head of the first",
            {"form": "flexor", "symmetry": "symmetric", "duration_s": 2.4},
            180,
            sites=_ARMS_AND_HEAD,
        ),
        Plate("startle", "alone", {}, 20),
        Plate(
            "kicking",
            "both legs, held, trunk carried along",
            {"pattern": "synchronous", "carry": 0.6, "held_s": 0.6, "skew": 1.8, "count": 2, "form": "kick"},
            200,
        ),
        Plate("door_slam", "a shock of the floor, then a startle", {"startles": 1}, 40),
    ),
)
_SERIES: Final = Sheet(
    "series",
    "Series of single movements",
    "What comes every few seconds for minutes. Intervals overlap; sites, strength and shape do not.",
    90.0,
    (
        Plate(
            "spasm_cluster",
            "with crescendo, nothing between",
            {"count": 10, "gap_s": 9.0, "crescendo": True, "subtle": False, "busy": 0.0, "cries": False},
            180,
            from_s=-2.0,
        ),
        Plate(
            "spasm_cluster",
            "subtle, without",
            {"count": 10, "gap_s": 9.0, "crescendo": False, "subtle": True, "busy": 0.0, "cries": False},
            180,
            from_s=-2.0,
        ),
        Plate(
            "spasm_cluster",
            "fussing and kicking between",
            {"count": 10, "gap_s": 9.0, "crescendo": True, "subtle": False, "busy": 0.6},
            180,
            from_s=-2.0,
        ),
        Plate("bmei", "awake, healthy", {"count": 8}, 200, from_s=-2.0),
        Plate("hiccups", "trunk only", {"duration_s": 100.0}, 60, from_s=-2.0),
        Plate("spindle_twitches", "quiet sleep", {"duration_s": 100.0}, 150, from_s=-2.0),
        Plate("twitches", "active sleep", {"count": 10}, 45, from_s=-2.0),
        Plate(
            "kicking",
            "a bout, both legs",
            {"pattern": "synchronous", "count": 25, "form": "kick"},
            200,
            from_s=-2.0,
        ),
        Plate("waking_stretch", "stretches, kicks, squirming", {}, 150, from_s=-2.0),
    ),
)
_KICKS: Final = Sheet(
    "kicks",
    "Kicks",
    "The confounder that matters most: patterns by age, and how much of the trunk goes along.",
    10.0,
    (
        Plate("kicking", "one leg", {"pattern": "unilateral", "count": 6, "form": "kick"}, 60),
        Plate("kicking", "alternating", {"pattern": "alternating", "count": 7, "form": "kick"}, 14),
        Plate(
            "kicking",
            "both, trunk at rest",
            {"pattern": "synchronous", "count": 6, "carry": 0.04, "form": "kick"},
            200,
        ),
        Plate(
            "kicking",
            "both, trunk goes along",
            {"pattern": "synchronous", "count": 6, "carry": 0.6, "form": "kick"},
            200,
        ),
        Plate(
            "kicking", "legs lifted and dropped", {"form": "thump", "count": 3, "pattern": "synchronous"}, 200
        ),
        Plate("kicking", "legs lifted and held", {"form": "lift", "count": 2, "pattern": "synchronous"}, 200),
        Plate(
            "kicking", "pushing off, both heels", {"form": "push", "count": 4, "pattern": "synchronous"}, 200
        ),
        Plate("kicking", "pushing off, one heel", {"form": "push", "count": 4, "pattern": "unilateral"}, 90),
        Plate(
            "kicking",
            "one leg lifted and dropped",
            {"form": "thump", "count": 3, "pattern": "unilateral"},
            90,
        ),
    ),
)
_WHOLE: Final = Sheet(
    "whole-body",
    "The whole body",
    "Stretching, waking, crying, stiffening: slow ramps and thrash.",
    24.0,
    (
        Plate("stretch", "waking up", {}, 120),
        Plate("arousal", "sigh, startle, thrash", {}, 90),
        Plate("fussing", "squirming", {}, 120),
        Plate("crying", "runs of cries with breath pauses", {"duration_s": 30.0}, 120),
        Plate("stiffening", "held, with a fine tremor", {"duration_s": 15.0}, 200),
        Plate("sandifer", "arching after a feed", {"duration_s": 60.0}, 100, from_s=-2.0),
    ),
)
_SMALL: Final = Sheet(
    "trembling-and-twitches",
    "Trembling, twitching, sucking",
    "Small movements: mind the scales.",
    12.0,
    (
        Plate("jitteriness", "fine", {"coarse": False, "duration_s": 7.0}, 4),
        Plate("jitteriness", "coarse", {"coarse": True, "duration_s": 7.0}, 4),
        Plate("shuddering", "one shiver", {"count": 1, "duration_s": 7.0}, 300),
        Plate(
            "shuddering",
            "one shiver: wrists and head",
            {"count": 1, "duration_s": 7.0},
            300,
            sites=_ARMS_AND_HEAD,
        ),
        Plate("twitches", "active sleep", {"count": 8}, 45),
        Plate("twitches", "active sleep: wrists and head", {"count": 8}, 45, sites=_ARMS_AND_HEAD),
        Plate("sucking", "feeding", {"nutritive": True, "duration_s": 20.0}, 90),
        Plate(
            "sucking",
            "for comfort: trunk and head",
            {"nutritive": False, "duration_s": 30.0},
            90,
            sites=(Site.LA, Site.TR, Site.HD),
        ),
        Plate("spindle_twitches", "close up", {"duration_s": 40.0}, 150),
    ),
)
_OUTSIDE: Final = Sheet(
    "from-outside",
    "Moved from outside",
    "All sensors ride on it together: nobody moved but the world.",
    12.0,
    (
        Plate("patting", "on the back", {"duration_s": 30.0}, 60, from_s=3.0),
        Plate("rocking", "in arms", {"duration_s": 60.0}, 60, from_s=8.0),
        Plate("powered_cradle", "by a motor", {"duration_s": 60.0}, 60, from_s=20.0),
        Plate("carrying", "walking about", {"duration_s": 60.0}, 60, from_s=8.0),
        Plate("bouncing_chair", "a spring seat", {"duration_s": 40.0}, 150, from_s=4.0),
        Plate("handling", "comforted: a hand strokes and rolls", {"what": "comforted"}, 90, from_s=3.0),
        Plate("handling", "being picked up, close", {"what": "lifted"}, 90),
        Plate("handling", "legs lifted by a hand, close", {"what": "nappy_change"}, 90),
        Plate("feed", "held, close", {}, 90, from_s=40.0),
    ),
)
_SELF: Final = Sheet(
    "self-made-rocking",
    "Rocking of its own",
    "Rhythmic movement at sleep onset: the head or the trunk leads, and the legs follow or do not.",
    12.0,
    (
        Plate(
            "rhythmic_movement", "body rocking", {"form": "body_rocking", "duration_s": 60.0}, 300, from_s=8.0
        ),
        Plate(
            "rhythmic_movement", "head banging", {"form": "head_banging", "duration_s": 60.0}, 300, from_s=8.0
        ),
        Plate(
            "rhythmic_movement", "head rolling", {"form": "head_rolling", "duration_s": 60.0}, 300, from_s=8.0
        ),
        *(
            Plate(
                "rhythmic_movement",
                f"{form.replace('_', ' ')}: wrists and head",
                {"form": form, "duration_s": 60.0},
                300,
                from_s=8.0,
                sites=_ARMS_AND_HEAD,
            )
            for form in RMD_FORMS
        ),
    ),
)
_WHEELS: Final = Sheet(
    "wheels",
    "Wheels",
    "Broad bands of shaking that all sensors share: what looks like trembling and is the road.",
    6.0,
    (
        Plate("stroller", "tarmac", {"surface": "tarmac", "duration_s": 60.0}, 150, from_s=15.0),
        Plate("stroller", "pavers", {"surface": "pavers", "duration_s": 60.0}, 150, seed=12, from_s=15.0),
        Plate("stroller", "cobbles", {"surface": "cobbles", "duration_s": 60.0}, 150, seed=13, from_s=15.0),
        Plate(
            "stroller",
            "cargo bike on pavers",
            {"bike": True, "surface": "pavers", "duration_s": 60.0},
            150,
            from_s=15.0,
        ),
        Plate("car", "a drive", {"duration_s": 60.0}, 150, from_s=15.0),
        Plate("powered_cradle", "motor and cradle, for comparison", {"duration_s": 60.0}, 60, from_s=20.0),
    ),
)
_HANDLED: Final = Sheet(
    "handled",
    "Handled by a person",
    "Minutes of being lifted, held, changed, fed and put down.",
    150.0,
    (
        Plate("handling", "picked up and put down", {"what": "lifted"}, 90, from_s=-3.0),
        Plate("handling", "a nappy changed", {"what": "nappy_change"}, 90, from_s=-3.0),
        Plate("handling", "comforted, all of it", {"what": "comforted"}, 90, from_s=-3.0),
        Plate("feed", "picked up, held, burped", {}, 90, from_s=-3.0),
        Plate("sandifer", "arching, minutes", {}, 100, from_s=-3.0),
        Plate(
            "tonic_clonic",
            "from the first stiffness to the last jerk",
            {"duration_s": 110.0, "febrile": True},
            400,
            from_s=-3.0,
        ),
    ),
)
SHEETS: Final = (_JERKS, _SPASMS, _SERIES, _KICKS, _WHOLE, _SMALL, _OUTSIDE, _SELF, _WHEELS, _HANDLED)


def all_sheets(kinds: Sequence[str] | None = None) -> tuple[Sheet, ...]:
    """The sheets, and one more with every registered kind that none of them shows; or only plates of `kinds`."""
    shown = {plate.kind for sheet in SHEETS for plate in sheet.plates}
    rest = tuple(Plate(kind, "as it is drawn") for kind in sorted(GENERATORS.keys() - shown))
    others = Sheet("others", "More kinds", "Kinds that no other sheet shows.", 12.0, rest)
    sheets = (*SHEETS, others) if rest else SHEETS
    if kinds is None:
        return sheets
    chosen = [(sheet, tuple(p for p in sheet.plates if p.kind in kinds)) for sheet in sheets]
    return tuple(Sheet(s.name, s.title, s.caption, s.span_s, own) for s, own in chosen if own)
