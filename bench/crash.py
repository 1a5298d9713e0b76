"""A monitor killed 200 times while three socks stream; writes docs/evidence/crash.json.

    python bench/crash.py [--kills 200]

Each life is a whole start of the program; the socks, the broker and the database live through all of them. Every
score of kills begins a folder of its own, whose first night ends among them. Looked at afterwards: every packet the
socks made against the nights, every sample against InfluxDB, everything the broker's subscriber heard, and whether a
replay in the order of arrival comes to the same events.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from statistics import median

import evidence

sys.path.insert(0, str(evidence.ROOT))

from lullwatch.servers import INFLUXD, MOSQUITTO, LocalInflux, LocalMosquitto, Missing, obtain
from tests.crash_rig import Findings, kill_again_and_again, no_secret_left
from tests.servers_fixtures import Broker, Influx

SPEAKS_OF = ("alerts", "dsp", "ingest", "lullwatch", "store")
KILLS_EACH = 20


def one_round(number: int, kills: int, broker: LocalMosquitto, influx: LocalInflux) -> Findings:
    """A folder of its own, and so many kills."""
    bucket = f"crash_{number}"
    influx.create_bucket(bucket)
    with tempfile.TemporaryDirectory() as folder, no_secret_left():
        work = kill_again_and_again(
            Path(folder),
            Broker(broker, f"crash-{number}"),
            Influx(influx, bucket),
            kills=kills,
            seed=number,
            spawn=True,
        )
        found = asyncio.run(work)
    influx.drop_bucket(bucket)
    return found


def figures(rounds: list[Findings]) -> dict[str, object]:
    """All rounds in one."""
    added = ("kills", "packets", "missing", "doubled", "points", "points_due", "words", "contradictions")
    up_s = sorted(s for found in rounds for s in found.up_s)
    sums: dict[str, object] = {name: sum(asdict(found)[name] for found in rounds) for name in added}
    return sums | {
        "unheard_alerts": sum(found.unheard_alerts for found in rounds),
        "nights": sum(found.nights for found in rounds),
        "replayed_alike": all(found.replayed_alike for found in rounds),
        "detecting_again_median_s": round(median(up_s), 2),
        "detecting_again_p99_s": round(up_s[int(len(up_s) * 0.99) - 1], 2),
        "detecting_again_most_s": round(up_s[-1], 2),
        "restarts_timed": len(up_s),
    }


def main() -> int:
    """Kill, look, and write what was found; 1 when anything was lost or said twice as two."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=200)
    kills = parser.parse_args().kills
    mosquitto, influxd = obtain(MOSQUITTO, tools=("mosquitto_sub",)), obtain(INFLUXD)
    for program in (mosquitto, influxd):
        if isinstance(program, Missing):
            print(program, file=sys.stderr)
            return 2
    rounds: list[Findings] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        LocalMosquitto(Path(folder) / "m", program=mosquitto) as broker,
        LocalInflux(Path(folder) / "i", program=influxd) as influx,
    ):
        while (left := kills - sum(found.kills for found in rounds)) > 0:
            rounds.append(one_round(len(rounds), min(left, KILLS_EACH), broker, influx))
            print(rounds[-1], flush=True)
    done = figures(rounds)
    print(done)
    evidence.write("crash", command="make crash", speaks_of=SPEAKS_OF, figures=done)
    lost = (done["missing"], done["doubled"], done["contradictions"], done["unheard_alerts"])
    return int(any(lost) or done["points"] != done["points_due"] or not done["replayed_alike"])


if __name__ == "__main__":
    sys.exit(main())
