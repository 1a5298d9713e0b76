"""Bytes of sensors people can buy: the makers' own examples, and whatever else may come from the air."""

from __future__ import annotations

import contextlib
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest import movesense_gsp as movesense
from ingest import osd_ble as osd
from ingest import polar_pmd as polar
from ingest.errors import BadNotification

# Polar's SDK, AccDataTest: raw frame of type 1, compressed of types 0 and 1.
ACC_RAW = "02 00943577 00000000 01" + "F7FF FFFF E703 F8FF FEFF E503"
ACC_COMPRESSED_0 = "02 00943577 00000000 80" + (
    "71 07 F0 6A 9E 8D 0A 38 BE 5C BE BA 2F 96 B3 EE 4B E5 AD FB 42 B9 EB BE 4C FE BA 2F 92 BF EE 4B E4 B1 FB 12 B9 EC"
    "BD 3C 3E BB 2F 8F D3 DE 4B E3 B5 F7 D2 B8 ED BD 30 7E 7B 2F 8B E3 CE 8B E2 BA F7 A2 B8 EE BC 20 BE 7B 2F 88 F3 CE"
    "CB E1 BD EF 52 F8 EF BC 18 FE 3B 2F 84 03 BF CB E0 C2 EF 32 B8 F0 BB 04 4E BC 2E 81 13 AF 0B E0 C6 EF F2 F7 F1 B9"
    "FC 7D BC 2E 7D 27 9F 4B DF CA EB C2 F7 F2 B8 EC CD 7C 2E 7B 37 8F 4B DE CE E3 92 F7 F3 B8 E0 0D FD 2D 77 4B 7F CB"
    "DD D2 DF 62 37 F5 B7 D4 4D BD 2D 74 5B 6F CB DC D7 D7 32 37 F6 B5 C8 8D 7D 2D 71 6B 4F 4B DC DC D3 F2 36 F7 B4 BC"
    "DD FD 2C 6F 7B 3F 4B DB E0 CF D2 36 F8 B2 B0 2D BE 2C 6C 8F 1F CB DA E3 C7 A2 76 F9"
)
ACC_COMPRESSED_1 = "02 6500000000000000 81" + "F1FF 1400 F003 06 01 7B 0F 08"


def bytes_of(text: str) -> bytes:
    return bytes.fromhex(text.replace(" ", ""))


def test_polars_raw_acceleration_reads_as_in_its_own_tests() -> None:
    frame = polar.decode_data(bytes_of(ACC_RAW))
    assert frame.measurement is polar.Measurement.ACC
    assert frame.last_ns == 2_000_000_000
    assert np.allclose(frame.values * 1e3, [[-9, -1, 999], [-8, -2, 997]])


def test_polars_compressed_acceleration_reads_as_in_its_own_tests() -> None:
    factor = 2.44e-4
    frame = polar.decode_data(bytes_of(ACC_COMPRESSED_0), factor=factor)
    assert frame.values.shape == (57, 3)
    assert np.allclose(frame.values[:2] / factor, [[1905, 27376, -29282], [2095, 27271, -29367]])
    assert np.abs(frame.values).max() <= 8.0
    short = polar.decode_data(bytes_of(ACC_COMPRESSED_1))
    assert np.allclose(short.values * 1e3, [[-15, 20, 1008], [-20, 17, 1008]])


@given(st.integers(1, 16), st.lists(st.integers(0, 2**16 - 1), min_size=3, max_size=60), st.data())
def test_compressed_frames_of_any_width_are_read_back(
    width: int, noise: list[int], data: st.DataObject
) -> None:
    first = data.draw(st.tuples(*[st.integers(-1000, 1000)] * 3))
    half = 1 << (width - 1)
    steps = [n % (1 << width) - half for n in noise[: len(noise) // 3 * 3]]
    packed, filled = 0, 0
    for step in steps:
        packed |= (step % (1 << width)) << filled
        filled += width
    body = (
        struct.pack("<3h", *first)
        + bytes((width, len(steps) // 3))
        + packed.to_bytes(-(-filled // 8), "little")
    )
    frame = polar.decode_data(struct.pack("<BQB", 5, 1, 0x80) + body)
    expected = np.cumsum([first, *np.reshape(steps, (-1, 3)).tolist()], axis=0)
    assert np.array_equal(frame.values, expected)


def test_a_stream_is_started_with_what_the_sensor_offers() -> None:
    offered = polar.decode_settings(bytes_of("00 02 1A00 3400 01 01 1000 02 02 0400 0800 04 01 03"))
    wanted = {polar.Setting.SAMPLE_RATE: 52, polar.Setting.RANGE: 8, polar.Setting.CHANNELS: 9}
    start = polar.encode_start(polar.Measurement.ACC, polar.settings_to_start(offered, wanted))
    assert start == bytes_of("02 02 00 01 34 00 01 01 10 00 02 01 08 00 04 01 03")
    assert polar.Setting.CHANNELS not in polar.settings_to_start({polar.Setting.RANGE: (4,)}, wanted)
    assert polar.settings_to_start({polar.Setting.SAMPLE_RATE: (0,)}, wanted) == {}


def test_the_factor_comes_with_the_answer_to_the_start() -> None:
    answer = polar.decode_control(bytes_of("F0 02 02 00 00 05 01") + struct.pack("<f", 2.44e-4))
    assert isinstance(answer, polar.Answer)
    assert answer.status is polar.Status.OK
    assert polar.decode_settings(answer.parameters)[polar.Setting.FACTOR][0] == pytest.approx(2.44e-4)


def test_a_sensor_in_its_charger_says_so_and_one_that_stops_by_itself_too() -> None:
    answer = polar.decode_control(bytes_of("F0 02 02 0D 00"))
    assert isinstance(answer, polar.Answer)
    assert answer.status is polar.Status.IN_CHARGER
    assert polar.decode_control(bytes_of("01 02 05")) == polar.Stopped((2, 5))
    assert polar.decode_features(bytes_of("0F 24 00")) == {polar.Measurement.ACC, polar.Measurement.GYRO}


def imu6(first_ms: int, samples: int) -> tuple[bytes, np.ndarray]:
    values = np.random.default_rng(samples).normal(0.0, 10.0, (2, samples, 3)).astype("<f4")
    return struct.pack("<I", first_ms) + values.tobytes(), values


def test_movesense_gives_all_accelerations_before_all_rates() -> None:
    data, values = imu6(123_456, 4)
    assert len(data) == 100
    samples = movesense.decode_imu6(data)
    assert samples.first_ms == 123_456
    assert np.allclose(samples.acc_g * 9.80665, values[0])
    assert np.allclose(samples.gyro_dps, values[1])


def test_a_value_in_two_notifications_is_put_together() -> None:
    data, _ = imu6(1, 8)
    assembler = movesense.Assembler()
    first = movesense.decode_notification(b"\x02\x07" + data[:150])
    second = movesense.decode_notification(b"\x03\x07" + data[150:])
    assert isinstance(first, movesense.Part)
    assert isinstance(second, movesense.Part)
    assert assembler.take(first, len(data)) is None
    assert assembler.take(second, len(data)) == data
    assert assembler.dropped == 0


def test_a_lost_second_piece_never_joins_the_next_first() -> None:
    one, _ = imu6(1, 8)
    two, _ = imu6(77, 8)
    assembler = movesense.Assembler()
    assert assembler.take(movesense.Part(7, True, one[:150]), len(one)) is None
    assert assembler.take(movesense.Part(7, True, two[:150]), len(two)) is None
    assert assembler.take(movesense.Part(7, False, two[150:]), len(two)) == two
    assert assembler.take(movesense.Part(7, False, two[150:]), len(two)) is None
    assert assembler.dropped == 2


def test_statuses_are_understood_in_either_order_of_bytes() -> None:
    for raw, status in (("01 05 C800", 200), ("01 05 01FB", 507), ("01 05 C8", 200)):
        result = movesense.decode_notification(bytes_of(raw))
        assert isinstance(result, movesense.Result)
        assert result.status == status


def test_hello_says_who_is_there_and_old_firmware_is_named() -> None:
    answer = b"\x01\x09\x01174630000192\0HR+\0AA-BB\0lull\x001.2.3\0"
    result = movesense.decode_notification(answer)
    assert isinstance(result, movesense.Result)
    hello = movesense.decode_hello(result)
    assert (hello.protocol, hello.serial, hello.version) == (1, "174630000192", "1.2.3")
    assert movesense.encode_get(3, "/System/Energy/Level", hello)[:2] == b"\x04\x03"
    old = movesense.decode_notification(b"\x01\x09Hello")
    assert isinstance(old, movesense.Result)
    with pytest.raises(BadNotification, match="update the sensor's firmware"):
        movesense.decode_hello(old)


def test_a_rate_that_movesense_does_not_have_is_named() -> None:
    assert movesense.encode_subscribe(1, movesense.imu6_path(52)) == b"\x01\x01/Meas/IMU6/52\0"
    with pytest.raises(ValueError, match="104"):
        movesense.imu6_path(100)


def test_a_watch_that_sends_three_axes_is_read_and_one_that_sends_magnitudes_is_told_what_to_change() -> None:
    osd.decode_format(b"\x03")
    assert np.allclose(
        osd.decode_acceleration(struct.pack("<6h", 0, 0, 1000, -8, 4, 996)),
        [[0, 0, 1], [-0.008, 0.004, 0.996]],
    )
    with pytest.raises(BadNotification, match="all three axes"):
        osd.decode_format(b"\x01")
    assert osd.encode_shown(osd.Shown.ALARM) == b"\x02"


@given(st.binary(max_size=520))
def test_no_bytes_from_the_air_do_more_than_be_refused(raw: bytes) -> None:
    for decode in (
        polar.decode_data,
        polar.decode_control,
        polar.decode_settings,
        polar.decode_features,
        movesense.decode_imu6,
        osd.decode_acceleration,
        osd.decode_format,
    ):
        with contextlib.suppress(BadNotification):
            decode(raw)
    try:
        found = movesense.decode_notification(raw)
    except BadNotification:
        return
    if isinstance(found, movesense.Part):
        assembled = movesense.Assembler().take(found, 100)
        assert assembled is None or len(assembled) <= 520
