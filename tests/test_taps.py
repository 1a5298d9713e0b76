"""Three taps in view of a camera are found in the record within 50 ms, whatever kicks around them."""

from __future__ import annotations

import wave as wav
from pathlib import Path

import numpy as np
import pytest

from dsp.records import NS, Site
from lullwatch.errors import NotAClip, NoTaps
from lullwatch.taps import clicks_in, offset_ns, taps_in
from lullwatch.waveforms import Waveform

RATE_HZ = 104.0
LONG_S = 240.0
T0_NS = 5000 * NS
WITHIN_NS = 50_000_000
TRUTH_S = (130.20, 130.71, 131.19)


def recorded(
    seed: int, taps_s: tuple[float, ...] = TRUTH_S, *, rate_hz: float = RATE_HZ, tap_g: float = 1.2, kicks: int = 25,
    off: float = 0.013, site: Site = Site.LA,
) -> Waveform:  # fmt: skip
    """A sock with sensor noise, kicks anywhere, and taps that ring for 25 ms as a chip's 50 Hz filter lets through."""
    rng = np.random.default_rng(seed)
    fine_hz = 4000.0
    t = np.arange(round(LONG_S * fine_hz)) / fine_hz
    acc = np.zeros((t.size, 3))
    for _ in range(kicks):
        at, lasts = rng.uniform(0, LONG_S), rng.uniform(0.12, 0.5)
        inside = (t >= at) & (t < at + lasts)
        shape = np.sin(np.pi * (t[inside] - at) / lasts) * np.sin(
            2 * np.pi * rng.uniform(2, 6) * (t[inside] - at)
        )
        acc[inside] += shape[:, None] * rng.normal(0, 1.2, 3)
    for at in taps_s:
        inside = (t >= at) & (t < at + 0.04)
        ring = np.exp(-(t[inside] - at) / 0.008) * np.cos(2 * np.pi * 38 * (t[inside] - at))
        acc[inside] += ring[:, None] * tap_g * rng.uniform(0.7, 1.3) * np.array([0.3, 0.5, 0.8])
    own_s = np.arange(round((LONG_S - 1) * rate_hz)) / rate_hz + off
    width = round(fine_hz / rate_hz)  # the chip averages over its own period before it samples
    soft = [np.convolve(acc[:, axis], np.full(width, 1 / width), "same") for axis in range(3)]
    rows = np.stack([np.interp(own_s, t, one) for one in soft], axis=1)
    rows += rng.normal(0, 0.004, rows.shape) + np.array([0.0, 0.0, 1.0])
    times = T0_NS + np.round(own_s * NS).astype(np.int64)
    return Waveform(site, times, np.round(rows * 4096) / 4096, None)


def off_ns(found_ns: int, truth_s: float) -> int:
    return abs(found_ns - T0_NS - round(truth_s * NS))


@pytest.mark.parametrize("seed", range(12))
def test_taps_are_found_within_50_ms_among_kicks(seed: int) -> None:
    noted_ns = T0_NS + 60 * NS * (seed % 3 + 1)  # up to a minute and more beside
    found = taps_in([recorded(seed, off=seed * 0.0008)], noted_ns)
    assert found.site is Site.LA
    assert all(off_ns(a, b) <= WITHIN_NS for a, b in zip(found.times_ns, TRUTH_S, strict=True))


@pytest.mark.parametrize("rate_hz", [100.0, 208.0])
def test_they_are_found_at_other_rates_too(rate_hz: float) -> None:
    found = taps_in([recorded(3, rate_hz=rate_hz, tap_g=2.5)], T0_NS + 120 * NS)
    assert max(off_ns(a, b) for a, b in zip(found.times_ns, TRUTH_S, strict=True)) <= WITHIN_NS


def test_a_kicking_foot_without_taps_has_none() -> None:
    for seed in range(20, 32):
        with pytest.raises(NoTaps, match="even beat"):
            taps_in([recorded(seed, (), kicks=80)], T0_NS + 120 * NS)


def test_two_sets_of_taps_are_not_guessed_between() -> None:
    with pytest.raises(NoTaps, match="two sets"):
        taps_in([recorded(4, (*TRUTH_S, 90.0, 90.5, 91.0), kicks=0)], T0_NS + 110 * NS)


def test_far_from_the_noted_time_nothing_is_looked_for() -> None:
    with pytest.raises(NoTaps):
        taps_in([recorded(5)], T0_NS + 20 * NS, within_s=60)


def test_the_tapped_sensor_is_told_from_the_one_beside_it() -> None:
    waves = [recorded(6, (), site=Site.RA), recorded(7, site=Site.LA)]
    assert taps_in(waves, T0_NS + 120 * NS).site is Site.LA


def clip(
    path: Path, clicks_s: tuple[float, ...], *, seed: int = 1, voice: float = 0.2, bits: int = 16
) -> Path:
    rng = np.random.default_rng(seed)
    rate = 16_000
    t = np.arange(30 * rate) / rate
    sound = rng.normal(0, 0.004, t.size) + voice * np.sin(2 * np.pi * 180 * t) * (
        np.sin(2 * np.pi * 0.7 * t) > 0.2
    )
    for at in clicks_s:
        inside = (t >= at) & (t < at + 0.02)
        sound[inside] += 0.7 * np.exp(-(t[inside] - at) / 0.003) * np.sin(2 * np.pi * 2500 * (t[inside] - at))
    counts = np.clip(sound, -1, 1)
    with wav.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(bits // 8)
        file.setframerate(rate)
        kind, scale = {16: (np.int16, 2**15 - 1), 32: (np.int32, 2**31 - 1)}[bits]
        file.writeframes((counts * scale).astype(kind).tobytes())
    return path


@pytest.mark.parametrize("bits", [16, 32])
def test_a_clip_begins_where_the_taps_say(tmp_path: Path, bits: int) -> None:
    begins_s = TRUTH_S[0] - 4.0
    heard = clicks_in(clip(tmp_path / "a.wav", tuple(t - begins_s for t in TRUTH_S), bits=bits))
    found = taps_in([recorded(8)], T0_NS + 120 * NS, beat=heard)
    assert abs(offset_ns(found, heard.times_ns[0]) - T0_NS - round(begins_s * NS)) <= WITHIN_NS


def test_the_clips_beat_says_which_of_two_sets_is_meant(tmp_path: Path) -> None:
    begins_s = TRUTH_S[0] - 4.0
    heard = clicks_in(clip(tmp_path / "a.wav", tuple(t - begins_s for t in TRUTH_S)))
    found = taps_in([recorded(4, (*TRUTH_S, 90.0, 90.8, 91.6))], T0_NS + 110 * NS, beat=heard)
    assert off_ns(found.times_ns[0], TRUTH_S[0]) <= WITHIN_NS


def test_a_clip_that_says_it_has_no_samples_in_a_second_is_none(tmp_path: Path) -> None:
    path = clip(tmp_path / "a.wav", (1.0, 1.5, 2.0))
    content = bytearray(path.read_bytes())
    content[24:28] = bytes(4)  # the rate, in the header of every WAV
    path.write_bytes(content)
    with pytest.raises(NotAClip, match="ffmpeg"):
        clicks_in(path)


@pytest.mark.parametrize("content", [b"", b"RIFF1234WAVEfmt ", b"\x00" * 100])
def test_what_is_no_clip_is_said_to_be_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "no.wav"
    path.write_bytes(content)
    with pytest.raises(NotAClip, match="ffmpeg"):
        clicks_in(path)


def test_a_silent_clip_has_no_taps(tmp_path: Path) -> None:
    with wav.open(str(tmp_path / "s.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"\x00\x00" * 8000)
    with pytest.raises(NoTaps, match="silent"):
        clicks_in(tmp_path / "s.wav")
