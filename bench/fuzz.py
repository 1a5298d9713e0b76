"""Slow tier: ten million packets of bytes into everything that reads bytes from the air.

    python bench/fuzz.py [--packets 10000000] [--seed 1]

Packets of every protocol are damaged (bytes changed, cut off, put in, joined, invented whole); half of the sock's get
a check sum that fits, so that what lies behind it is reached too. Nothing may raise but what the decoders say they
raise, no packet may take longer than a tenth of a second, and memory must stay flat. Writes docs/evidence/fuzz.json.
"""

# ruff: noqa: SLF001 - drivers are called as bleak calls them
from __future__ import annotations

import argparse
import binascii
import gc
import logging
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import evidence
import numpy as np

sys.path.insert(0, str(evidence.ROOT))

from dsp.records import NS, Site
from ingest.errors import BadNotification, Impossible, NoTimeYet
from ingest.movesense import MovesenseDriver
from ingest.movesense_gsp import Result, decode_hello, decode_notification
from ingest.osd import OsdDriver
from ingest.osd_ble import decode_acceleration, decode_format
from ingest.polar import PolarDriver, _Stream
from ingest.polar_pmd import Measurement, decode_control, decode_data, decode_features, decode_settings
from ingest.sock_codec import (
    AccRange,
    BadPacket,
    Command,
    DataFlag,
    DataPacket,
    GyroRange,
    Rate,
    ResetCause,
    SockStatus,
    Start,
    as_backfill,
    decode_answer,
    decode_command,
    decode_status,
    encode_command,
    encode_data,
    encode_status,
)
from ingest.sock_codec import (
    decode_data as decode_sock,
)
from ingest.stream import SockStream

LONGEST_S = 0.1
"""A packet that takes longer would hold up the links of others."""
GROWS_MB = 8.0
"""Less than this over the last nine tenths is the allocator's; ten million packets that each left 1 byte are more."""
BATCH = 20_000
SPEAKS_OF = ("ingest",)
REFUSALS = (BadPacket, BadNotification, Impossible, NoTimeYet)
BOOT = 0xA1B2C3D4


def resident_mb() -> float:
    """Memory of this process."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return float(line.split()[1]) / 1024
    return float("nan")


class Fuzzer:
    """Damages packets, and the readers they go to."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.now_ns = 0
        self.stream = _fresh_stream()
        self.taken = self.seq = 0
        self.polar, self.movesense = _polar(), MovesenseDriver(52)
        self.osd = OsdDriver(SimpleNamespace(now_ns=lambda: self.now_ns))  # type: ignore[arg-type]
        good = [bytes.fromhex(text) for text in _GOOD]
        self.readers: list[tuple[Callable[[bytes], Any], list[bytes]]] = [
            (self._into_the_stream, [_data(seq) for seq in range(40)]),
            (decode_sock, [_data(3), as_backfill(_data(4))]),
            (decode_status, [_STATUS]),
            (decode_answer, good[:2]),
            (decode_command, [encode_command(_a_command(), 3)]),
            (decode_notification, good[2:4]),
            (_hello, good[2:3]),
            (self.movesense._heard, good[2:4]),
            (decode_control, good[4:5]),
            (decode_features, good[5:6]),
            (decode_settings, good[6:7]),
            (decode_data, good[7:9]),
            (self.polar._heard, good[7:9]),
            (self.polar._controlled, good[4:5]),
            (decode_acceleration, good[9:10]),
            (decode_format, [b"\x05"]),
            (self.osd._heard, good[9:10]),
        ]

    def batch(self, n: int) -> float:
        """Feed `n` packets; the longest time one took, seconds. What is raised beside refusals goes through."""
        rng, longest_s = self.rng, 0.0
        kinds, which = rng.integers(0, 7, n).tolist(), rng.integers(0, 1 << 30, n).tolist()
        places = rng.integers(0, len(self.readers), n).tolist()
        noise = rng.bytes(n * 8 + 600)
        for i in range(n):
            read, seeds = self.readers[places[i]]
            raw = _damaged(seeds[which[i] % len(seeds)], kinds[i], which[i], noise[8 * i : 8 * i + 8])
            if places[i] == 0 and kinds[i] == 0:
                raw = self._next()
            if places[i] < 2 and (which[i] & 1 or kinds[i] == 0) and len(raw) > 2:
                raw = raw[:-2] + binascii.crc_hqx(raw[:-2], 0xFFFF).to_bytes(2, "little")
            began_s = time.thread_time()
            try:  # noqa: SIM105 - ten million context managers would cost a minute
                read(raw)
            except REFUSALS:
                pass
            longest_s = max(longest_s, time.thread_time() - began_s)
        if self.stream.counts.received > 50_000:
            self.taken += self.stream.counts.received
            self.stream = _fresh_stream()  # as a night does
        return longest_s

    def _next(self) -> bytes:
        """A packet as the sock would send it now; now and then one before it was lost."""
        self.seq = self.stream.counts.received + self.stream.lost + int(self.now_ns % 97 == 0)
        head, place = (
            _DATA[:6],
            self.seq.to_bytes(4, "little") + (self.seq * 5041 % 2**32).to_bytes(4, "little"),
        )
        return head + place + _DATA[14:]

    def _into_the_stream(self, raw: bytes) -> None:
        self.now_ns += NS // 50
        taken = self.stream.take(raw, self.now_ns)
        if taken is not None:
            self.stream.committed(taken[0])
            for confirm in self.stream.confirms():
                self.stream.confirmed(confirm)


def _damaged(good: bytes, kind: int, pick: int, noise: bytes) -> bytes:
    at = pick % max(len(good), 1)
    match kind:
        case 0:
            return good
        case 1:  # one byte
            return good[:at] + noise[:1] + good[at + 1 :]
        case 2:  # eight bytes
            return good[:at] + noise + good[at + 8 :]
        case 3:
            return good[:at]
        case 4:
            return good[:at] + noise + good[at:]
        case 5:
            return good + good[at:] + noise
        case _:
            return (noise * (1 + pick % 64))[: pick % 512]


def _hello(raw: bytes) -> None:
    found = decode_notification(raw)
    if isinstance(found, Result):
        decode_hello(found)


def _a_command() -> Command:
    return Start()


def _data(seq: int) -> bytes:
    counts = (np.arange(96, dtype=np.int16) * 37 % 2000).reshape(16, 6)
    return encode_data(
        DataPacket(
            DataFlag.NONE, BOOT, seq, seq * 5041, Rate.HZ_104, AccRange.G_8, GyroRange.DPS_1000, counts
        )
    )


def _fresh_stream() -> SockStream:
    stream = SockStream(Site.LA, "fuzzed")
    stream.begin(decode_status(_STATUS))
    return stream


def _polar() -> PolarDriver:
    driver = PolarDriver()
    driver._streams = {
        Measurement.ACC: _Stream(52.0),
        Measurement.GYRO: _Stream(52.0),
    }  # as after a handshake
    return driver


_STATUS = encode_status(
    SockStatus(
        battery=87, charging=False, sampling=True, reset_cause=ResetCause.POWER_ON, firmware=(1, 4, 2),
        rate=Rate.HZ_104, acc=AccRange.G_8, gyro=GyroRange.DPS_1000, uptime_s=9, boot=BOOT, next_seq=0,
        held=None, dropped=0, earlier=None,
    )
)  # fmt: skip
_DATA = _data(0)
_GOOD = (
    "8101 00 d4c3b2a1 08000000",
    "8504 00 03000000",
    "01 01 c8 00 01 31 32 33 00 4d 00 73 00 41 00 31 00",
    "02 63 a0 86 01 00" + "00 00 80 3f" * 24,
    "f0 02 02 00 00 00 01 34 00 01 01 10 00 02 01 08 00 04 01 03",
    "0f 04 00" + "00" * 14,
    "00 01 34 00 01 01 10 00 02 01 08 00 04 01 03",
    "02 00 94 35 77 00 00 00 00 01" + "f1 ff 13 00 e8 03" * 8,
    "02 00 94 35 77 00 00 00 00 80" + "f1 ff 13 00 e8 03" + "03 04" + "12 34 56 78 9a" * 4,
    "00 10 00 f0 e8 03" * 3,
)


def main() -> int:
    """Run it; 0 when nothing crashed, hung or grew."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    asked.add_argument("--packets", type=int, default=10_000_000)
    asked.add_argument("--seed", type=int, default=1)
    given = asked.parse_args()
    logging.disable(logging.CRITICAL)
    fuzzer, done, longest_s, settled_mb = Fuzzer(given.seed), 0, 0.0, 0.0
    while done < given.packets:
        longest_s = max(longest_s, fuzzer.batch(min(BATCH, given.packets - done)))
        done += BATCH
        if settled_mb == 0.0 and done >= given.packets / 10:
            gc.collect()
            settled_mb = resident_mb()
    gc.collect()
    grown_mb = resident_mb() - settled_mb
    figures = {
        "packets": given.packets,
        "seed": given.seed,
        "taken_by_the_stream": fuzzer.taken + fuzzer.stream.counts.received,
        "longest_ms": round(longest_s * 1e3, 2),
        "memory_mb": round(settled_mb, 1),
        "memory_grown_mb": round(grown_mb, 2),
        "cpu_s": round(time.process_time(), 1),
    }
    print(figures)
    if given.packets >= 10_000_000:
        evidence.write("fuzz", command="make fuzz", speaks_of=SPEAKS_OF, figures=figures)
    return 0 if grown_mb < GROWS_MB and longest_s < LONGEST_S else 1


if __name__ == "__main__":
    sys.exit(main())
