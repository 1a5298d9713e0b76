"""Five hundred gateways at one Mosquitto and one InfluxDB on this machine; writes docs/evidence/fleet.json.

    python bench/fleet.py [--gateways 500] [--seconds 15]

First every gateway speaks as often as a real one does; then ever more often, until acknowledgements take longer than
a second or the rate is no longer reached. What a gateway says is measured on a simulated hour, by our own encoders.
The clients run on the same processor as the servers, which lowers the ceilings; there is no TLS, access list or
subscriber, which raises them.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import os
import resource
import sys
import tempfile
import threading
import urllib.parse
from itertools import count
from pathlib import Path
from typing import Any

import evidence

sys.path.insert(0, str(evidence.ROOT))

from fleet_load import Client, Hour, cpu_s, influx_second, now, one_hour

from lullwatch.servers import INFLUXD, MOSQUITTO, LocalInflux, LocalMosquitto, Missing, obtain

SPEAKS_OF = (
    "alerts/payloads.py",
    "alerts/wire.py",
    "store/influx_lines.py",
    "bench/fleet.py",
    "bench/fleet_load.py",
)
NIGHT_H = 10.0
STEPS = (1, 25, 50, 100, 200, 400, 800)
"""Times the real rate."""
SLOW_S = 1.0
"""An alert has five seconds from the movement to the phone; a broker may take one of them, at worst."""
REACHED = 0.9
"""Of what was to be sent; the clients share the processor with the broker."""
WRITERS = 8


def mqtt_step(
    hour: Hour, broker: LocalMosquitto, gateways: int, times: int, seconds: float
) -> dict[str, Any]:
    """All gateways at so many times the real rate, for so long."""
    clients = [Client(f"gw{n:03}", broker.host, broker.port) for n in range(gateways)]

    async def all_of_them() -> float:
        await asyncio.gather(*(client.connect() for client in clients))
        began, until_s = now(), asyncio.get_running_loop().time() + seconds
        rate = hour.rate * times
        await asyncio.gather(
            *(c.run(hour.messages, rate, until_s, n / gateways) for n, c in enumerate(clients))
        )
        return now() - began

    used_s = cpu_s(_pid_of("mosquitto"))
    took_s = asyncio.run(all_of_them())
    used_s = cpu_s(_pid_of("mosquitto")) - used_s
    acks = sorted(s for c in clients for s in c.acks_s)
    sent = sum(c.sent for c in clients)
    offered = gateways * hour.rate * times * seconds
    return {
        "times": times,
        "offered_a_s": round(gateways * hour.rate * times, 1),
        "acknowledged_a_s": round(len(acks) / took_s, 1),
        "unacknowledged": sent - len(acks),
        "reached": round(sent / max(offered, 1.0), 3),
        "ack_median_ms": round(acks[len(acks) // 2] * 1000, 1) if acks else None,
        "ack_p99_ms": round(acks[int(len(acks) * 0.99)] * 1000, 1) if acks else None,
        "broker_core_share": round(used_s / took_s, 3),
        "broker_cpu_us_a_message": round(used_s / max(len(acks), 1) * 1e6, 1),
    }


def _pid_of(program: str) -> int:
    """The newest child of this process with this name."""
    mine = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text(encoding="ascii").split()
    return max(int(p) for p in mine if program in Path(f"/proc/{p}/cmdline").read_text(encoding="utf-8"))


def mqtt(hour: Hour, broker: LocalMosquitto, gateways: int, seconds: float) -> list[dict[str, Any]]:
    """Steps up to the one that breaks."""
    steps = []
    for times in STEPS:
        steps.append(mqtt_step(hour, broker, gateways, times, seconds))
        print(steps[-1], flush=True)
        last = steps[-1]
        if last["unacknowledged"] or last["reached"] < REACHED or (last["ack_p99_ms"] or 0) > SLOW_S * 1000:
            break
    return steps


def influx(hour: Hour, server: LocalInflux, gateways: int, seconds: float, *, raw: bool) -> dict[str, Any]:
    """One second's lines of every gateway in turn, as fast as the database takes them."""
    bucket = f"fleet_{'raw' if raw else 'events'}"
    server.create_bucket(bucket)
    bodies = [influx_second(hour, f"gw{n:03}", raw=raw) for n in range(gateways)]
    where = urllib.parse.urlsplit(server.url)
    path = f"/api/v2/write?org={server.org}&bucket={bucket}&precision=ns"
    turn, lock = count(), threading.Lock()
    done: list[tuple[int, float]] = []
    until = now() + seconds

    def write() -> None:
        line = http.client.HTTPConnection(where.hostname or "", where.port, timeout=60)
        while now() < until:
            with lock:
                number = next(turn)
            body, points = bodies[number % gateways]
            began = now()
            line.request("POST", path, body, {"Authorization": f"Token {server.token}"})
            answer = line.getresponse()
            answer.read()
            if answer.status == 204:
                done.append((points, now() - began))

    began = now()
    threads = [threading.Thread(target=write) for _ in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took_s = now() - began
    server.drop_bucket(bucket)
    points, takes = sum(p for p, _ in done), sorted(s for _, s in done)
    size, per = bodies[0]
    return {
        "points_a_request": per,
        "bytes_a_request": len(size),
        "requests_a_s": round(len(done) / took_s, 1),
        "points_a_s": round(points / took_s),
        "request_p99_ms": round(takes[int(len(takes) * 0.99)] * 1000, 1),
    }


def figures(
    hour: Hour, steps: list[dict[str, Any]], raw: dict[str, Any], told: dict[str, Any], gateways: int
) -> dict[str, Any]:
    """What it comes to for a fleet."""
    good = [
        s
        for s in steps
        if not s["unacknowledged"] and s["reached"] >= REACHED and s["ack_p99_ms"] <= SLOW_S * 1000
    ]
    ceiling = max((s["acknowledged_a_s"] for s in good), default=0.0)
    raw_a_s = 3 * 104.0
    told_points = len(hour.told.outputs) + len(hour.told.coverage) + len(hour.told.alerts) + 180
    return {
        "gateways": gateways,
        "per_gateway": {
            "mqtt_messages_an_hour": len(hour.messages),
            "mqtt_bytes_an_hour": hour.bytes_an_hour,
            "mqtt_mb_a_night": round(hour.bytes_an_hour * NIGHT_H / 1e6, 2),
            "by_kind": {
                kind: {"messages": n, "bytes": size} for kind, (n, size) in sorted(hour.by_topic.items())
            },
            "raw_points_a_s": raw_a_s,
            "raw_mb_a_night": round(raw["bytes_a_request"] * 3600 * NIGHT_H / 1e6),
            "other_points_an_hour": told_points,
        },
        "mqtt_steps": steps,
        "mqtt_ceiling_a_s": ceiling,
        "mqtt_gateways_at_ceiling": round(ceiling / hour.rate),
        "mqtt_messages_a_s_a_broker_core_could_do": round(
            1e6 / max(steps[-1]["broker_cpu_us_a_message"], 1.0)
        ),
        "influx_raw": raw,
        "influx_raw_gateways_at_ceiling": round(raw["points_a_s"] / raw_a_s),
        "influx_without_raw": told,
        "influx_without_raw_gateways_at_ceiling": round(told["points_a_s"] / (told_points / 3600)),
    }


def main() -> int:
    """Measure and write; 1 when the fleet at its real rate was not served."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--gateways", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=15.0, help="of each step")
    asked = parser.parse_args()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4 * asked.gateways)), hard))
    mosquitto, influxd = obtain(MOSQUITTO), obtain(INFLUXD)
    for program in (mosquitto, influxd):
        if isinstance(program, Missing):
            print(program, file=sys.stderr)
            return 2
    hour = one_hour()
    with tempfile.TemporaryDirectory() as folder:
        with LocalMosquitto(Path(folder) / "m", program=mosquitto) as broker:
            steps = mqtt(hour, broker, asked.gateways, asked.seconds)
        with LocalInflux(Path(folder) / "i", program=influxd) as server:
            raw = influx(hour, server, asked.gateways, asked.seconds, raw=True)
            told = influx(hour, server, asked.gateways, asked.seconds, raw=False)
    found = figures(hour, steps, raw, told, asked.gateways)
    print(found)
    evidence.write("fleet", command="make fleet", speaks_of=SPEAKS_OF, figures=found)
    return int(bool(steps[0]["unacknowledged"]) or steps[0]["reached"] < REACHED)


if __name__ == "__main__":
    sys.exit(main())
