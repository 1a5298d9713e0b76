"""What a soak is made of: a long restless night, and everything that can go wrong with a virtual sock in it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from dsp.records import NS, Site
from firmware_sim.night import make_night
from firmware_sim.scenario import scenario_from_toml
from firmware_sim.sock_process import ProcessConfig, specs_in
from firmware_sim.sock_script import SockFault, SockFaultKind
from ingest.sock_codec import PROTOCOL_VERSION

__all__ = ["INFANT", "QUIET_END_S", "SITES", "Killed", "Plan", "fault_script", "socks_in"]

Killed = Literal["monitor", "broker"]

INFANT = "kid"
SITES = ("LA", "RA", "TR")
QUIET_END_S = 1500.0
"""Nothing placed in the last 25 minutes: an alert of before then has come to the end of its chain by the end."""
_FAULT_EVERY_S = 420.0
"""Mean time between two faults of any sock: some 200 in 24 hours, each kind a dozen times."""
_HEALS_S = (30.0, 400.0)
"""What lasts until somebody mends it is mended after so long."""
_RADIO_ON_S = 60.0
"""The first minute and the last fifth belong to nobody's fault: a start is seen, and the end is comparable."""
_FORGETS = 0.9
"""Share of the time after which one sock forgets its bond: nobody pairs it
anew, and until somebody does it is lost."""
_EVENTS_APART_S = 1800.0
_KINDS = ("spasm_cluster", "sleep_jerk_train", "stiffening", "clonic", "kicking", "crying", "patting")


@dataclass(frozen=True, slots=True)
class Plan:
    """How long, how fast, how often killed."""

    hours: float = 24.0
    pace: float = 14.0
    seed: int = 1
    kills: int = 24
    kills_until: float = 1 / 3
    """share of the time in which the monitor is killed; the life after it is long enough to look at its memory"""
    broker_kills: int = 8
    """spread over the whole time"""

    @property
    def seconds(self) -> float:
        """Simulated seconds."""
        return self.hours * 3600.0

    def killings(self) -> list[tuple[float, Killed]]:
        """(data seconds since the start, who) in the order of time; the end is quiet, so that alerts come to theirs."""
        chance = random.Random(self.seed + 2)
        monitor = [chance.uniform(0.02, self.kills_until) * self.seconds for _ in range(self.kills)]
        last = max(self.seconds - QUIET_END_S, self.seconds / 2)
        broker = [chance.uniform(0.02 * self.seconds, last) for _ in range(self.broker_kills)]
        who: list[tuple[float, Killed]] = [(at_s, "monitor") for at_s in monitor]
        return sorted(who + [(at_s, "broker") for at_s in broker])


def socks_in(folder: Path, plan: Plan) -> ProcessConfig:
    """The socks of a night with something in every half hour; their samples are written into the folder."""
    night = make_night(scenario_from_toml(_scenario(plan)), seed=plan.seed, infant=INFANT)
    return ProcessConfig(
        socket=str(folder / "hci"),
        socks=specs_in(folder, {site: night.sensors[Site(site)] for site in SITES}),
        pace=plan.pace,
        origin_ns=night.start_ns,
        faults=tuple(fault_script(plan)),
        ledger=str(folder / "ledger.json"),
    )


def _scenario(plan: Plan) -> str:
    chance, at_s = random.Random(plan.seed), min(240.0, plan.seconds / 2)
    parts = [f'name = "soak"\nduration_min = {plan.hours * 60:g}\nage_days = 150\n']
    for number in range(1000):
        if at_s > plan.seconds - QUIET_END_S and number:
            break
        kind = _KINDS[number % len(_KINDS)]
        parts.append(f'[[movement]]\nkind = "{kind}"\nat_min = {at_s / 60:.2f}\n')
        at_s += chance.uniform(0.5, 1.5) * _EVENTS_APART_S
    return "".join(parts)


def fault_script(plan: Plan) -> list[SockFault]:
    """Faults at random, every kind in turn, so that a long soak has each of them many times."""
    chance = random.Random(plan.seed + 1)
    at_s, faults = _RADIO_ON_S, [SockFault(chance.choice(SITES), "forget", at_s=_FORGETS * plan.seconds)]
    while True:
        kinds = [kind for kind in get_args(SockFaultKind) if kind != "forget"]
        chance.shuffle(kinds)
        for kind in kinds:
            at_s += chance.expovariate(1 / min(_FAULT_EVERY_S, plan.seconds / 60))
            if at_s > plan.seconds - QUIET_END_S / 3:
                return sorted(faults, key=lambda f: f.at_s)
            faults += _with_remedy(kind, at_s, chance)


def _with_remedy(kind: SockFaultKind, at_s: float, chance: random.Random) -> Iterator[SockFault]:
    sock, other = chance.sample(SITES, 2)
    healed_s = at_s + chance.uniform(*_HEALS_S)
    seconds = chance.choice((2.0, 8.0, 60.0, 300.0))
    if kind == "clock_jump":
        seconds = chance.choice((-30.0, -0.5, 0.5, 30.0))
    if kind == "late":
        seconds = chance.choice((0.5, 2.0))
    yield SockFault(
        sock, kind, at_s=at_s, seconds=seconds, count=chance.choice((1, 20, 200)), axis=chance.randrange(6),
        other=other, percent=0.0,
    )  # fmt: skip
    match kind:
        case "swap":
            yield SockFault(sock, "swap", at_s=healed_s, other=other)
        case "battery":
            yield SockFault(sock, "battery", at_s=healed_s, percent=100.0)
        case "overrun":
            yield SockFault(sock, "overrun", at_s=healed_s, count=187_200)
        case "firmware":
            yield SockFault(sock, "firmware", at_s=healed_s, version=(1, 0, 0), protocol=PROTOCOL_VERSION)


def utc_of_start_ns() -> int:
    """2026-03-14 18:00 UTC: the noon at which nights change is eighteen hours in."""
    return 1_773_511_200 * NS
