"""Slow tier: how many sensors one core takes in, over the whole Bluetooth stack into the journal and the detectors.

    python bench/many_sensors.py [--seconds 60] [--infants 1 2 4]

Each infant wears three sensors at 104 Hz. The simulated socks, the virtual radio and Bumble take most of the time, so
what is ours is also measured alone: packets from memory through the stream, the journal and the detector. Writes
docs/evidence/many-sensors.json.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

import evidence
import numpy as np

sys.path.insert(0, str(evidence.ROOT))

from dsp.records import NS, ClockRow, Packet, Site, Tick
from ingest.sock_codec import (
    AccRange,
    DataFlag,
    DataPacket,
    GyroRange,
    Rate,
    ResetCause,
    SockStatus,
    decode_status,
    encode_data,
    encode_status,
)
from ingest.stream import SockStream
from lullwatch.spine import Spine
from lullwatch.watch import Watch
from store.journal import Journal
from store.rows import FedRow, Row, SegmentRow
from tests.radio_rig import noise
from tests.ward import Lived, Ward, Worn

SITES = (Site.LA, Site.RA, Site.TR)
RATE_HZ = 104.0
PACKET_S = 16 / RATE_HZ
SPEAKS_OF = (
    "ingest",
    "lullwatch/gateway.py",
    "lullwatch/intake.py",
    "lullwatch/spine.py",
    "store/journal.py",
    "dsp",
)


def over_the_air(infants: int, seconds: float, folder: Path) -> dict[str, float]:
    """So many infants on one gateway over the virtual radio, simulation and all, in one process."""
    worn = [
        Worn(f"infant-{i}", site, noise(seconds + 5, seed=3 * i + j))
        for i in range(infants)
        for j, site in enumerate(SITES)
    ]

    async def live() -> Lived:
        return await Ward(worn).live(folder / f"ward-{infants}.sqlite", seconds)

    lived = asyncio.run(live())
    due = [p for packets in lived.sent.values() for p in packets[: -round(20 / PACKET_S)]]
    missing = len(set(due) - {p for packets in lived.kept.values() for p in packets})
    sensors = 3 * infants
    return {
        "sensors": sensors,
        "times_real": round(seconds / lived.real_s, 1),
        "times_real_by_processor": round(seconds / lived.cpu_s, 1),
        "cpu_percent_of_a_core_for_each_sensor": round(100 * lived.cpu_s / seconds / sensors, 3),
        "packets_missing": missing,
    }


def ours_alone(infants: int, seconds: float, folder: Path) -> dict[str, float]:
    """The same packets from memory: decoded, placed in time, committed four times a second, detected on."""
    streams = {(i, site): _stream(i, site) for i in range(infants) for site in SITES}
    rng = np.random.default_rng(1)
    blocks = [rng.integers(-2000, 2000, (16, 6)).astype(np.int16) for _ in range(64)]
    rows = int(seconds / PACKET_S)
    raw = [
        [_encoded(boot, seq, blocks[seq % 64]) for seq in range(rows)] for boot in range(1, 3 * infants + 1)
    ]
    with Journal.open(folder / f"alone-{infants}.sqlite") as journal:
        spine = Spine(journal, [Watch.of(f"infant-{i}", SITES, 120) for i in range(infants)])
        spine.begin(ClockRow(0, 1_767_290_400 * NS, "bench", "UTC"))
        began_s = time.process_time()
        batch: list[Row] = []
        for seq in range(rows):
            now_ns = round((seq + 1) * PACKET_S * NS)
            for packets, ((i, _), stream) in zip(raw, streams.items(), strict=True):
                taken = stream.take(packets[seq], now_ns)
                if taken is not None:
                    batch.append(SegmentRow(f"infant-{i}", *taken))
            if seq % 2:
                batch += [FedRow(f"infant-{i}", Tick(now_ns)) for i in range(infants)]
                spine.take(batch)
                for row in batch:
                    if isinstance(row, SegmentRow):
                        _confirm(streams, row.packet)
                batch = []
        cpu_s = time.process_time() - began_s
        spine.close()
    sensors = 3 * infants
    return {
        "sensors": sensors,
        "cpu_percent_of_a_core_for_each_sensor": round(100 * cpu_s / seconds / sensors, 3),
        "sensors_that_one_core_takes_in": int(sensors * seconds / cpu_s),
    }


def _confirm(streams: dict[tuple[int, Site], SockStream], packet: Packet) -> None:
    stream = streams[(packet.boot - 1) // 3, packet.site]
    stream.committed(packet)
    for confirm in stream.confirms():
        stream.confirmed(confirm)


def _stream(infant: int, site: Site) -> SockStream:
    stream = SockStream(site, f"{infant}-{site}")
    boot = 3 * infant + SITES.index(site) + 1
    stream.begin(
        decode_status(
            encode_status(
                SockStatus(
                    battery=90, charging=False, sampling=True, reset_cause=ResetCause.POWER_ON, firmware=(1, 0, 0),
                    rate=Rate.HZ_104, acc=AccRange.G_8, gyro=GyroRange.DPS_1000, uptime_s=0, boot=boot, next_seq=0,
                    held=None, dropped=0, earlier=None,
                )
            )
        )
    )  # fmt: skip
    return stream


def _encoded(boot: int, seq: int, counts: np.ndarray) -> bytes:
    clock = round(seq * PACKET_S * 32_768) % 2**32
    return encode_data(
        DataPacket(DataFlag.NONE, boot, seq, clock, Rate.HZ_104, AccRange.G_8, GyroRange.DPS_1000, counts)
    )


def main() -> int:
    """Run it; 0 when three sensors go at twenty times real time or more and nothing is missing."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    asked.add_argument("--seconds", type=float, default=60.0)
    asked.add_argument("--infants", type=int, nargs="+", default=[1, 2, 4])
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        air = [over_the_air(n, given.seconds, Path(folder)) for n in given.infants]
        alone = [ours_alone(n, given.seconds, Path(folder)) for n in given.infants]
    figures = {
        "seconds": given.seconds,
        "rate_hz": RATE_HZ,
        "over_the_virtual_air": air,
        "without_radio": alone,
    }
    print(figures)
    evidence.write("many-sensors", command="make many-sensors", speaks_of=SPEAKS_OF, figures=figures)
    good = air[0]["times_real_by_processor"] >= 20 and not any(one["packets_missing"] for one in air)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
