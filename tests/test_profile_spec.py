"""The sock's profile as its document says it, clause by clause.

The reader below was written from the tables of `docs/sock-profile.md` alone: it shares no code, no
library and no constant with the codec, so that a mistake made twice in the codec (once in each
direction) shows here. Only the last tests hold the two against each other.
"""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = (ROOT / "docs" / "sock-profile.md").read_text(encoding="utf-8")
VECTORS = json.loads((ROOT / "tests" / "vectors" / "sock_profile.json").read_text(encoding="utf-8"))
RATES = {1: 52, 2: 104, 3: 208}
ACC = {1: 4, 2: 8, 3: 16}
GYRO = {0: 0, 1: 250, 2: 500, 3: 1000, 4: 2000}
NONE = 0xFFFFFFFF

Meaning = dict[str, Any]


def number(raw: bytes, offset: int, size: int) -> int:
    return sum(raw[offset + i] << (8 * i) for i in range(size))


def signed(value: int) -> int:
    return value - 65536 if value >= 32768 else value


def remainder_crc(message: bytes) -> int:
    """CRC-16/CCITT-FALSE as a division of polynomials over GF(2), one bit at a time.

    A start value of 0xFFFF is the same as inverting the first 16 bits of the message and its 16 zero bits.
    """
    bits = [byte >> place & 1 for byte in message + b"\0\0" for place in range(7, -1, -1)]
    bits[:16] = [bit ^ 1 for bit in bits[:16]]
    divisor = [int(bit) for bit in f"{0x11021:017b}"]
    for start in range(len(bits) - 16):
        if bits[start]:
            for i, bit in enumerate(divisor):
                bits[start + i] ^= bit
    return int("".join(map(str, bits[-16:])), 2)


def need(truth: bool, clause: str) -> None:
    if not truth:
        raise ValueError(clause)


def read_ranges(code: int) -> Meaning:
    need(code >> 4 in ACC and code & 15 in GYRO, "range code")
    return {"acc_g": ACC[code >> 4], "gyro_dps": GYRO[code & 15]}


def read_data(raw: bytes) -> Meaning:
    need(len(raw) > 0 and raw[0] == 1, "protocol version")
    need(20 < len(raw) <= 244, "at most 244 bytes")
    need(number(raw, len(raw) - 2, 2) == remainder_crc(raw[:-2]), "CRC")
    need(raw[1] < 8, "bits 3-7 are 0")
    boot, seq = number(raw, 2, 4), number(raw, 6, 4)
    need(boot != 0, "boot id never 0")
    need(seq != NONE, "0xFFFFFFFF is never used")
    need(raw[14] in RATES, "rate code")
    ranges = read_ranges(raw[15])
    n, axes = raw[16], raw[17]
    need(1 <= n <= 16, "n 1 to 16")
    need(axes == (6 if ranges["gyro_dps"] else 3), "axes")
    need(len(raw) == 20 + 2 * n * axes, "length")
    values = [signed(number(raw, 18 + 2 * i, 2)) for i in range(n * axes)]
    return {
        "clip": bool(raw[1] & 1),
        "restart": bool(raw[1] & 2),
        "backfill": bool(raw[1] & 4),
        "boot": boot,
        "seq": seq,
        "clock": number(raw, 10, 4),
        "rate_hz": RATES[raw[14]],
        **ranges,
        "samples": [values[i * axes : (i + 1) * axes] for i in range(n)],
    }


def read_command(raw: bytes) -> Meaning:
    need(len(raw) >= 2, "opcode and token")
    sizes = {1: 0, 2: 0, 3: 2, 4: 8, 5: 12, 6: 1, 7: 1}
    need(raw[0] in sizes, "opcode")
    need(len(raw) == 2 + sizes[raw[0]], "length")
    meaning: Meaning = {"command": raw[0], "token": raw[1]}
    if raw[0] == 3:
        need(raw[2] in RATES, "rate code")
        meaning |= {"rate_hz": RATES[raw[2]], **read_ranges(raw[3])}
    if raw[0] in (4, 5):
        meaning["boot"] = number(raw, 2, 4)
        need(meaning["boot"] != 0, "boot id 0")
    if raw[0] == 4:
        meaning["seq"] = number(raw, 6, 4)
        need(meaning["seq"] != NONE, "never used")
    if raw[0] == 5:
        meaning |= {"first": number(raw, 6, 4), "last": number(raw, 10, 4)}
        need(meaning["first"] <= meaning["last"], "first > last")
        need(meaning["first"] != NONE, "never used")
    if raw[0] == 6:
        need(raw[2] <= 3, "alarm state")
        meaning["state"] = raw[2]
    if raw[0] == 7:
        need(1 <= raw[2] <= 60, "seconds")
        meaning["seconds"] = raw[2]
    return meaning


def read_answer(raw: bytes) -> Meaning:
    need(len(raw) >= 3 and raw[0] >= 128 and raw[2] <= 7, "opcode with bit 7, token, result")
    meaning: Meaning = {"command": raw[0] - 128, "token": raw[1], "result": raw[2]}
    payload = raw[3:]
    if raw[2] == 0 and meaning["command"] in (1, 3):
        need(len(payload) == 8, "boot id, next")
        meaning |= {"boot": number(payload, 0, 4), "next": number(payload, 4, 4)}
        need(meaning["boot"] != 0 and meaning["next"] != NONE, "boot id, next")
    elif raw[2] == 0 and meaning["command"] == 5:
        need(len(payload) == 4, "number of packets")
        meaning["count"] = number(payload, 0, 4)
    else:
        need(payload == b"", "no payload")
    return meaning


def read_held(raw: bytes, offset: int) -> list[int] | None:
    oldest, newest = number(raw, offset, 4), number(raw, offset + 4, 4)
    if oldest == newest == NONE:
        return None
    need(oldest <= newest < NONE, "oldest and newest")
    return [oldest, newest]


def read_status(raw: bytes) -> Meaning:
    need(len(raw) == 45 and raw[0] == 1, "45 bytes of version 1")
    need(raw[1] <= 100 or raw[1] == 255, "battery")
    need(raw[2] < 4, "bits 2-7 are 0")
    need(raw[3] <= 5, "cause")
    need(raw[7] in RATES, "rate code")
    boot, following = number(raw, 13, 4), number(raw, 17, 4)
    need(boot != 0 and following != NONE, "boot id, next")
    held = read_held(raw, 21)
    need(held is None or held[1] < following, "newest held less than next")
    earlier, span = number(raw, 33, 4), read_held(raw, 37)
    need((earlier == 0) == (span is None), "earlier boot 0 = none")
    return {
        "battery": None if raw[1] == 255 else raw[1],
        "charging": bool(raw[2] & 1),
        "sampling": bool(raw[2] & 2),
        "cause": raw[3],
        "firmware": [raw[4], raw[5], raw[6]],
        "rate_hz": RATES[raw[7]],
        **read_ranges(raw[8]),
        "uptime_s": number(raw, 9, 4),
        "boot": boot,
        "next": following,
        "held": held,
        "dropped": number(raw, 29, 4),
        "earlier": None if span is None else [earlier, *span],
    }


READERS = {"data": read_data, "command": read_command, "answer": read_answer, "status": read_status}
GOOD = [pytest.param(kind, v, id=f"{kind}: {v['name']}") for kind in READERS for v in VECTORS[kind]]
BAD = [pytest.param(v, id=f"{v['record']}: {v['why']}") for v in VECTORS["invalid"]]


def worked_examples() -> list[bytes]:
    """Every run of two or more hex bytes inside the fenced blocks; lines of bare hex belong together."""
    found = []
    for block in re.findall(r"^```\n(.*?)^```", DOCUMENT, re.DOTALL | re.MULTILINE):
        lines = block.splitlines()
        if all(re.fullmatch(r"[0-9a-f ]+", line) for line in lines):
            found.append(bytes.fromhex(" ".join(lines)))
        else:
            found += [
                bytes.fromhex(m[1]) for m in (re.search(r"  ((?:[0-9a-f]{2} ?)+)$", x) for x in lines) if m
            ]
    return found


def test_crc_of_the_check_word_is_29b1() -> None:
    assert [remainder_crc(v["ascii"].encode()) for v in VECTORS["crc"]] == [0x29B1]


@pytest.mark.parametrize(("kind", "vector"), GOOD)
def test_sections_2_to_4_a_published_vector_means_what_it_says(kind: str, vector: Meaning) -> None:
    assert READERS[kind](bytes.fromhex(vector["hex"])) == vector["meaning"]


@pytest.mark.parametrize("vector", BAD)
def test_sections_2_to_4_a_sequence_that_no_table_allows_is_an_error(vector: Meaning) -> None:
    with pytest.raises(ValueError, match=r".+"):
        READERS[vector["record"]](bytes.fromhex(vector["hex"]))


def test_every_worked_example_of_the_document_is_a_published_vector_or_the_unknown_request() -> None:
    published = {bytes.fromhex(v["hex"]) for kind in READERS for v in VECTORS[kind]}
    examples = worked_examples()
    assert len(examples) == 16
    assert [x.hex() for x in examples if x not in published] == ["6f08"]


# From here on the codec is held against the document.

from ingest import sock_codec as sc  # noqa: E402 - below the line: nothing above may lean on it


def as_meaning(kind: str, raw: bytes) -> Meaning:
    if kind == "data":
        d = sc.decode_data(raw)
        scale = sc.scale_of(d.acc, d.gyro)
        return {
            "clip": sc.DataFlag.CLIP in d.flags,
            "restart": sc.DataFlag.RESTART in d.flags,
            "backfill": sc.DataFlag.BACKFILL in d.flags,
            "boot": d.boot,
            "seq": d.seq,
            "clock": d.clock,
            "rate_hz": sc.RATES_HZ[d.rate],
            "acc_g": scale.acc_g * 32768,
            "gyro_dps": scale.gyro_dps * 32768,
            "samples": d.counts.tolist(),
        }
    if kind == "command":
        return command_meaning(*sc.decode_command(raw))
    if kind == "answer":
        a = sc.decode_answer(raw)
        meaning: Meaning = {"command": a.opcode, "token": a.token, "result": int(a.result)}
        if isinstance(a.payload, sc.Started):
            meaning |= {"boot": a.payload.boot, "next": a.payload.next_seq}
        if isinstance(a.payload, sc.Promised):
            meaning["count"] = a.payload.count
        return meaning
    return status_meaning(sc.decode_status(raw))


def command_meaning(command: sc.Command, token: int) -> Meaning:
    match command:
        case sc.Start():
            return {"command": 1, "token": token}
        case sc.Stop():
            return {"command": 2, "token": token}
        case sc.SetRateRange(rate, acc, gyro):
            scale = sc.scale_of(acc, gyro)
            acc_g, gyro_dps = scale.acc_g * 32768, scale.gyro_dps * 32768
            return {
                "command": 3,
                "token": token,
                "rate_hz": sc.RATES_HZ[rate],
                "acc_g": acc_g,
                "gyro_dps": gyro_dps,
            }
        case sc.Confirm(boot, seq):
            return {"command": 4, "token": token, "boot": boot, "seq": seq}
        case sc.Fetch(boot, first, last):
            return {"command": 5, "token": token, "boot": boot, "first": first, "last": last}
        case sc.ShowAlarm(state):
            return {"command": 6, "token": token, "state": int(state)}
        case sc.Identify(seconds):
            return {"command": 7, "token": token, "seconds": seconds}


def status_meaning(s: sc.SockStatus) -> Meaning:
    scale = sc.scale_of(s.acc, s.gyro)
    return {
        "battery": s.battery,
        "charging": s.charging,
        "sampling": s.sampling,
        "cause": int(s.reset_cause),
        "firmware": list(s.firmware),
        "rate_hz": sc.RATES_HZ[s.rate],
        "acc_g": scale.acc_g * 32768,
        "gyro_dps": scale.gyro_dps * 32768,
        "uptime_s": s.uptime_s,
        "boot": s.boot,
        "next": s.next_seq,
        "held": s.held and [s.held.oldest, s.held.newest],
        "dropped": s.dropped,
        "earlier": s.earlier and [s.earlier.boot, s.earlier.oldest, s.earlier.newest],
    }


def written_again(kind: str, raw: bytes) -> bytes:
    match kind:
        case "data":
            return sc.encode_data(sc.decode_data(raw))
        case "command":
            return sc.encode_command(*sc.decode_command(raw))
        case "answer":
            return sc.encode_answer(sc.decode_answer(raw))
        case _:
            return sc.encode_status(sc.decode_status(raw))


@pytest.mark.parametrize(("kind", "vector"), GOOD)
def test_the_codec_reads_and_writes_every_published_vector(kind: str, vector: Meaning) -> None:
    raw = bytes.fromhex(vector["hex"])
    assert as_meaning(kind, raw) == vector["meaning"]
    assert written_again(kind, raw) == raw


@pytest.mark.parametrize("vector", BAD)
def test_the_codec_refuses_what_the_document_refuses(vector: Meaning) -> None:
    with pytest.raises(sc.BadPacket):
        as_meaning(vector["record"], bytes.fromhex(vector["hex"]))


@pytest.mark.parametrize("kind", READERS)
@given(data=st.data())
def test_codec_and_document_agree_on_any_bytes(kind: str, data: st.DataObject) -> None:
    vector = data.draw(st.sampled_from(VECTORS[kind]))
    raw = bytearray.fromhex(vector["hex"])
    for _ in range(data.draw(st.integers(0, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    if kind == "data" and data.draw(st.booleans()):
        raw[-2:] = remainder_crc(bytes(raw[:-2])).to_bytes(2, "little")
    try:
        expected: Meaning | None = READERS[kind](bytes(raw))
    except ValueError:
        expected = None
    if expected is None:
        with pytest.raises(sc.BadPacket):
            as_meaning(kind, bytes(raw))
    else:
        assert as_meaning(kind, bytes(raw)) == expected


@given(st.integers(1, 16), st.booleans(), st.integers(0, 0xFFFFFFFF))
def test_what_the_codec_writes_the_document_reads(n: int, gyro: bool, clock: int) -> None:
    counts = np.arange(n * (6 if gyro else 3), dtype=np.int16).reshape(n, -1) * 321 - 5000
    ranges = sc.GyroRange.DPS_500 if gyro else sc.GyroRange.OFF
    packet = sc.DataPacket(
        sc.DataFlag.CLIP, 9, 8, clock, sc.Rate.HZ_52, sc.AccRange.G_16, ranges, counts.astype(np.int16)
    )
    meaning = read_data(sc.encode_data(packet))
    assert meaning["samples"] == counts.tolist()
    assert (meaning["clock"], meaning["rate_hz"], meaning["acc_g"]) == (clock, 52, 16)
    assert meaning["gyro_dps"] == (500 if gyro else 0)


def test_section_1_uuids_are_those_of_the_document() -> None:
    for name, uuid in (
        ("lullwatch service", sc.SERVICE_UUID),
        ("DATA", sc.DATA_UUID),
        ("CONTROL", sc.CONTROL_UUID),
        ("STATUS", sc.STATUS_UUID),
    ):
        assert re.search(rf"^\| {name}[^|]*\| `{uuid}` \|", DOCUMENT, re.MULTILINE), name
    for short, uuid in (
        ("180F", sc.BATTERY_SERVICE_UUID),
        ("2A19", sc.BATTERY_LEVEL_UUID),
        ("180A", sc.DEVICE_INFORMATION_UUID),
        ("2A29", sc.MANUFACTURER_NAME_UUID),
        ("2A24", sc.MODEL_NUMBER_UUID),
        ("2A26", sc.FIRMWARE_REVISION_UUID),
    ):
        assert f"`{short}`" in DOCUMENT
        assert uuid == f"0000{short.lower()}-0000-1000-8000-00805f9b34fb"
