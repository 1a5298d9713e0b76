"""Slow tier: a bad night, eight simulated hours with fifty disconnects and more, over the whole Bluetooth stack.

    python bench/bad_night.py [--hours 8] [--sensors 3] [--seed 1]

Held afterwards: every packet that reached the flash of a sock is in the journal once, coverage accounts for every
second, and the settled events are those of the same night undisturbed. Writes docs/evidence/bad-night.json.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from dataclasses import asdict, replace
from pathlib import Path

import evidence

sys.path.insert(0, str(evidence.ROOT))

from firmware_sim.night import make_night
from firmware_sim.scenarios import named_scenario
from tests.bad_nights import INFANT, Plan, hold, script_of, worn_of
from tests.ward import Lived, Ward

AN_HOUR = Plan(seconds=3600.0, disconnects=7, restarts=0, stalls=1, fades=2)
"""What an hour brings on average; restarts are three a night."""
WHOLE_H = 8.0
"""Shorter ones are for trying out, and leave no evidence."""
SPEAKS_OF = ("ingest", "firmware_sim", "lullwatch/gateway.py", "lullwatch/intake.py", "lullwatch/spine.py")


def plan_of(hours: float, seed: int) -> Plan:
    """The plan of so many hours."""
    return replace(
        AN_HOUR,
        seconds=hours * 3600.0,
        disconnects=round(AN_HOUR.disconnects * hours),
        restarts=3,
        stalls=max(1, round(AN_HOUR.stalls * hours)),
        fades=max(1, round(AN_HOUR.fades * hours)),
        seed=seed,
    )


def main() -> int:
    """Run it; 0 when nothing was lost, double or different."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    asked.add_argument("--hours", type=float, default=8.0)
    asked.add_argument("--sensors", type=int, default=3)
    asked.add_argument("--seed", type=int, default=1)
    given = asked.parse_args()
    plan = plan_of(given.hours, given.seed)
    scenario = named_scenario("jerk_night").lasting(plan.seconds)
    sites = scenario.sites[: given.sensors]
    night = make_night(scenario, seed=given.seed, infant=INFANT, sites=sites)
    worn = worn_of(night, plan)
    script = script_of(plan, list(night.sensors), [(e.onset_ns, e.end_ns) for e in night.truth.events])

    async def live(path: Path) -> Lived:
        return await Ward(worn).live(path, plan.seconds + 60.0, script)

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "night.sqlite"
        lived = asyncio.run(live(path))
        held = hold(night, worn, lived, path)
    searched = sum(lived.states(INFANT, site).count("searching") for site in sites) - len(sites)
    sensor_s = plan.seconds * len(sites)
    figures = {
        **asdict(plan),
        "sensors": len(sites),
        "links_built_anew": searched,
        "packets": held.packets,
        "packets_missing": held.missing,
        "packets_doubled": held.doubled,
        "seconds_unaccounted": held.seconds_unaccounted,
        "events": held.events,
        "events_apart": held.apart,
        "events_told_apart": held.told_apart,
        "times_real": round(plan.seconds / lived.real_s, 1),
        "cpu_percent_of_a_core_for_each_sensor": round(100 * lived.cpu_s / sensor_s, 2),
    }
    print(figures)
    good = not (held.missing or held.doubled or held.seconds_unaccounted or held.apart)
    if given.hours >= WHOLE_H:
        evidence.write("bad-night", command="make bad-night", speaks_of=SPEAKS_OF, figures=figures)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
