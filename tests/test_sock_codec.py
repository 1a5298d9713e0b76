"""Both ends of the sock's profile: what is written is read back, and no bytes crash a reader."""

import struct
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dsp.records import SegmentFlag, Site
from ingest import sock_codec as sc

u8 = st.integers(0, 0xFF)
u32 = st.integers(0, 0xFFFF_FFFF)
boots = st.integers(1, 0xFFFF_FFFF)
seqs = st.integers(0, 0xFFFF_FFFE)


@st.composite
def data_packets(draw: st.DrawFn) -> sc.DataPacket:
    gyro = draw(st.sampled_from(sc.GyroRange))
    axes = 3 if gyro is sc.GyroRange.OFF else 6
    n = draw(st.integers(1, sc.SAMPLES_MAX))
    counts = draw(st.binary(min_size=2 * n * axes, max_size=2 * n * axes))
    return sc.DataPacket(
        flags=sc.DataFlag(draw(st.integers(0, 7))),
        boot=draw(boots),
        seq=draw(seqs),
        clock=draw(u32),
        rate=draw(st.sampled_from(sc.Rate)),
        acc=draw(st.sampled_from(sc.AccRange)),
        gyro=gyro,
        counts=np.frombuffer(counts, np.int16).reshape(n, axes),
    )


@st.composite
def spans(draw: st.DrawFn) -> tuple[int, int]:
    first = draw(seqs)
    return first, draw(st.integers(first, 0xFFFF_FFFE))


commands = st.one_of(
    st.builds(sc.Start),
    st.builds(sc.Stop),
    st.builds(
        sc.SetRateRange, st.sampled_from(sc.Rate), st.sampled_from(sc.AccRange), st.sampled_from(sc.GyroRange)
    ),
    st.builds(sc.Confirm, boots, seqs),
    st.builds(lambda boot, span: sc.Fetch(boot, *span), boots, spans()),
    st.builds(sc.Fetch, boots, seqs),
    st.builds(sc.ShowAlarm, st.sampled_from(sc.AlarmState)),
    st.builds(sc.Identify, st.integers(1, 60)),
)


@st.composite
def answers(draw: st.DrawFn) -> sc.Answer:
    opcode, result = draw(st.integers(0, 127)), draw(st.sampled_from(sc.Result))
    payload: sc.Started | sc.Promised | None = None
    if result is sc.Result.OK and opcode in (sc.Opcode.START, sc.Opcode.SET_RATE_RANGE):
        payload = sc.Started(draw(boots), draw(seqs))
    elif result is sc.Result.OK and opcode == sc.Opcode.FETCH:
        payload = sc.Promised(draw(u32))
    return sc.Answer(opcode, draw(u8), result, payload)


@st.composite
def statuses(draw: st.DrawFn) -> sc.SockStatus:
    boot = draw(boots)
    next_seq = draw(seqs)
    spans_made = st.integers(0, next_seq - 1).flatmap(
        lambda newest: st.builds(sc.Held, st.just(boot), st.integers(0, newest), st.just(newest))
    )
    held = draw(st.none() | spans_made if next_seq else st.none())
    earlier = draw(st.none() | st.builds(lambda b, span: sc.Held(b, *span), boots, spans()))
    return sc.SockStatus(
        battery=draw(st.none() | st.integers(0, 100)),
        charging=draw(st.booleans()),
        sampling=draw(st.booleans()),
        reset_cause=draw(st.sampled_from(sc.ResetCause)),
        firmware=(draw(u8), draw(u8), draw(u8)),
        rate=draw(st.sampled_from(sc.Rate)),
        acc=draw(st.sampled_from(sc.AccRange)),
        gyro=draw(st.sampled_from(sc.GyroRange)),
        uptime_s=draw(u32),
        boot=boot,
        next_seq=next_seq,
        held=held,
        dropped=draw(u32),
        earlier=earlier,
    )


@given(data_packets())
def test_a_data_packet_is_read_back_as_it_was_written(packet: sc.DataPacket) -> None:
    raw = sc.encode_data(packet)
    assert sc.decode_data(raw) == packet
    assert sc.decode_data(bytearray(raw)) == packet
    assert len(raw) <= sc.DATA_MAX_BYTES


@given(data_packets())
def test_a_back_filled_packet_differs_from_the_live_one_in_its_flag_alone(packet: sc.DataPacket) -> None:
    again = sc.decode_data(sc.as_backfill(sc.encode_data(packet)))
    assert again.flags == packet.flags | sc.DataFlag.BACKFILL
    assert (again.boot, again.seq, again.clock) == (packet.boot, packet.seq, packet.clock)
    assert np.array_equal(again.counts, packet.counts)


@given(commands, u8)
def test_a_command_is_read_back_as_it_was_written(command: sc.Command, token: int) -> None:
    raw = sc.encode_command(command, token)
    assert sc.decode_command(raw) == (command, token)
    assert len(raw) <= 20


@given(answers())
def test_an_answer_is_read_back_as_it_was_written(answer: sc.Answer) -> None:
    assert sc.decode_answer(sc.encode_answer(answer)) == answer


@given(statuses())
def test_a_status_is_read_back_as_it_was_written(status: sc.SockStatus) -> None:
    raw = sc.encode_status(status)
    assert len(raw) == 45
    assert sc.decode_status(raw) == status


DECODERS: list[Callable[[bytes], object]] = [
    sc.decode_data,
    sc.decode_command,
    sc.decode_answer,
    sc.decode_status,
]


@pytest.mark.parametrize("decode", DECODERS)
@given(raw=st.binary(max_size=260))
@example(raw=b"")
@example(raw=b"\x01" * 45)
def test_no_bytes_from_the_air_crash_a_decoder(decode: Callable[[bytes], object], raw: bytes) -> None:
    told = None
    try:
        decode(raw)
    except sc.BadPacket as bad:
        told = bad
    assert told is None or f"{told.what}, {told.field} at byte {told.offset}: " in str(told)


@given(data_packets(), st.data())
def test_one_damaged_byte_never_passes_for_data(packet: sc.DataPacket, data: st.DataObject) -> None:
    raw = bytearray(sc.encode_data(packet))
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(sc.BadPacket):
        sc.decode_data(raw)


@given(data_packets(), st.data())
def test_a_cut_off_packet_is_refused(packet: sc.DataPacket, data: st.DataObject) -> None:
    raw = sc.encode_data(packet)
    with pytest.raises(sc.BadPacket):
        sc.decode_data(raw[: data.draw(st.integers(0, len(raw) - 1))])


@given(statuses(), seqs, st.integers(0, 0xFFFF_FFFE))
def test_a_status_that_holds_what_is_not_made_yet_is_refused(
    status: sc.SockStatus, newest: int, oldest: int
) -> None:
    newest, oldest = max(newest, status.next_seq), min(oldest, newest)
    with pytest.raises(sc.BadField, match=r"newest at byte 25: .* less than next"):
        sc.encode_status(replace(status, held=sc.Held(status.boot, oldest, newest)))
    raw = bytearray(sc.encode_status(status))
    raw[21:29] = struct.pack("<II", oldest, newest)
    with pytest.raises(sc.BadField, match=r"newest at byte 25: .* less than next"):
        sc.decode_status(raw)


@given(statuses(), st.integers(2, 255))
def test_another_protocol_version_is_named_with_a_remedy(status: sc.SockStatus, version: int) -> None:
    raw = bytes((version,)) + sc.encode_status(status)[1:]
    with pytest.raises(sc.UnknownVersion, match="update the sock's firmware or lullwatch") as caught:
        sc.decode_status(raw)
    assert caught.value.version == version


@given(data_packets())
def test_the_record_that_leaves_the_driver_has_the_same_samples_and_true_units(packet: sc.DataPacket) -> None:
    record = sc.to_packet(packet, site=Site.LA, sensor="sock-1", arrived_ns=5)
    assert (record.boot, record.seq, record.clock, record.arrived_ns) == (
        packet.boot,
        packet.seq,
        packet.clock,
        5,
    )
    assert np.array_equal(record.counts, packet.counts)
    assert record.scale.acc_g * 32768 in (4.0, 8.0, 16.0)
    assert (record.scale.gyro_dps == 0.0) == (record.counts.shape[1] == 3)
    assert (SegmentFlag.BACKFILL in record.flags) == (sc.DataFlag.BACKFILL in packet.flags)
    assert (SegmentFlag.CLIPPED in record.flags) == (sc.DataFlag.CLIP in packet.flags)
    assert (SegmentFlag.RESTART in record.flags) == (sc.DataFlag.RESTART in packet.flags)


def test_a_value_without_a_place_in_the_profile_is_not_written() -> None:
    good = sc.DataPacket(
        sc.DataFlag.NONE,
        1,
        0,
        0,
        sc.Rate.HZ_104,
        sc.AccRange.G_8,
        sc.GyroRange.DPS_1000,
        np.zeros((1, 6), np.int16),
    )
    with pytest.raises(sc.BadField, match="axes"):
        sc.encode_data(
            sc.DataPacket(
                good.flags, 1, 0, 0, good.rate, good.acc, sc.GyroRange.OFF, np.zeros((1, 6), np.int16)
            )
        )
    with pytest.raises(sc.BadField, match="n at byte 16"):
        sc.encode_data(
            sc.DataPacket(good.flags, 1, 0, 0, good.rate, good.acc, good.gyro, np.zeros((17, 6), np.int16))
        )
    with pytest.raises(sc.BadField, match="last"):
        sc.encode_command(sc.Fetch(1, 5, 4), 0)
    with pytest.raises(sc.BadField, match="seconds"):
        sc.encode_command(sc.Identify(0), 0)


@given(seqs, st.integers(0, 1000))
def test_a_gap_is_what_lies_between_two_numbers(seq: int, missing: int) -> None:
    assert sc.missing_between(seq, seq + missing + 1) == missing
    assert sc.missing_between(seq, seq) < 0
