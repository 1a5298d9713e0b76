"""Raw data through a real InfluxDB and back: the very segments, and so the very events."""

from __future__ import annotations

import base64
import random
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from dsp.records import NS, ClockRow, Scale, Segment, SegmentFlag, Site
from lullwatch.watch import Watch, config_of
from store.influx import InfluxSink, SinkState
from store.influx_frames import frames_of, rows_of
from store.influx_read import CannotRead, InfluxSource, NoSamples
from store.influx_segments import MoreThanOne
from store.journal import Journal
from store.recording import settled
from tests.servers_fixtures import Influx
from tests.store_examples import STEP_NS, segment, segment_row

START_UTC_NS = 1_773_525_600 * NS
CLOCK = ClockRow(0, START_UTC_NS, "b", "Europe/Berlin")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal.open(tmp_path / "n.sqlite") as opened:
        opened.commit([CLOCK])
        yield opened


def copied(journal: Journal, influx: Influx) -> None:
    place = {"url": influx.url, "token": influx.token, "org": influx.org, "bucket": influx.bucket}
    with InfluxSink(journal, gateway="gw", chance=random.Random(1), **place) as sink:
        while sink.step().state is SinkState.SENT:
            pass


def source(influx: Influx) -> InfluxSource:
    return InfluxSource(influx.url, influx.bucket, token=influx.token)


def wobbling(n: int, *, site: Site, seed: int = 3) -> list[Segment]:
    """Packets that follow each other while the clock fit corrects the step with every one, as it does live."""
    chance = np.random.default_rng(seed)
    made, t0_ns = [], 5 * NS + int(chance.integers(0, NS))
    for seq in range(n):
        step_ns = STEP_NS + int(chance.integers(-4000, 4000))
        made.append(segment(seq, site=site, t0_ns=t0_ns, step_ns=step_ns))
        t0_ns = made[-1].end_ns
    return made


def read_all(influx: Influx, infant: str = "kid") -> tuple[Segment, ...]:
    return source(influx).read(infant, START_UTC_NS, START_UTC_NS + 7200 * NS).recording().segments


def test_segments_come_back_bit_for_bit(journal: Journal, influx: Influx) -> None:
    made = [s for site in (Site.LA, Site.RA, Site.TR) for s in wobbling(5000, site=site, seed=ord(site[0]))]
    journal.commit([segment_row(s) for s in settled(made)])
    copied(journal, influx)
    assert read_all(influx) == settled(made)


def test_restarts_gaps_other_scales_short_packets_and_back_fill_come_back_too(
    journal: Journal, influx: Influx
) -> None:
    made = [
        segment(0, n=16),
        segment(1, t0_ns=16 * STEP_NS, n=3),
        segment(9, t0_ns=40 * NS, flags=SegmentFlag.CLIPPED),
        segment(2, t0_ns=30 * NS, flags=SegmentFlag.BACKFILL),
        segment(0, t0_ns=700 * NS, boot=8, flags=SegmentFlag.RESTART, scale=Scale(1 / 3, 0.07)),
        segment(0, site=Site.TR, t0_ns=650 * NS, axes=3),
    ]
    journal.commit([segment_row(s) for s in made])
    copied(journal, influx)
    assert read_all(influx) == settled(made)


def test_other_infants_and_other_gateways_are_left_alone(journal: Journal, influx: Influx) -> None:
    journal.commit([segment_row(segment(0)), segment_row(segment(0, site=Site.RA), "it's")])
    copied(journal, influx)
    assert source(influx).infants() == ["it's", "kid"]
    assert [s.site for s in read_all(influx, "it's")] == [Site.RA]
    elsewhere = InfluxSource(influx.url, influx.bucket, token=influx.token, gateway="other")
    with pytest.raises(NoSamples, match="full"):
        elsewhere.read("kid", START_UTC_NS, START_UTC_NS + NS)


def test_a_packet_that_is_not_whole_is_left_out_and_said(journal: Journal, influx: Influx) -> None:
    made = [segment(seq) for seq in range(4)]
    journal.commit([segment_row(s) for s in made])
    copied(journal, influx)
    gone_ns = START_UTC_NS + made[2].t0_ns + 5 * STEP_NS
    influx.server.query(f"DELETE FROM imu WHERE time = {gone_ns}", bucket=influx.bucket, method="POST")
    read = source(influx).read("kid", START_UTC_NS, START_UTC_NS + 60 * NS)
    assert read.recording().segments == (made[0], made[1], made[3])
    assert "1 packets are left out" in read.remarks[0]


def test_two_recordings_in_one_span_are_not_taken_for_one(tmp_path: Path, influx: Influx) -> None:
    for number, offset_ns in enumerate((START_UTC_NS, START_UTC_NS + 1000 * NS)):
        with Journal.open(tmp_path / f"{number}.sqlite") as journal:
            journal.commit([ClockRow(0, offset_ns, "b", "UTC"), segment_row(segment(0))])
            copied(journal, influx)
    with pytest.raises(MoreThanOne, match="--from"):
        read_all(influx)
    assert source(influx).read("kid", START_UTC_NS, START_UTC_NS + 500 * NS).sites == (Site.LA,)


def test_settings_are_kept_with_the_zone_of_their_night(journal: Journal, influx: Influx) -> None:
    watch = Watch.of("kid", (Site.LA, Site.TR), 120)
    journal.commit([config_of(watch, 3 * NS)])
    copied(journal, influx)
    assert source(influx).configs(START_UTC_NS + 4 * NS) == [(config_of(watch, 3 * NS), "Europe/Berlin")]
    assert source(influx).configs(START_UTC_NS + 3 * NS) == []


@pytest.mark.parametrize(("database", "token"), [("nowhere", None), (None, "admin:wrong")])
def test_a_database_that_cannot_be_read_is_named_with_the_reason(
    influx: Influx, database: str | None, token: str | None
) -> None:
    wrong = InfluxSource(influx.url, database or influx.bucket, token=token or influx.token)
    with pytest.raises(CannotRead, match=r"127\.0\.0\.1"):
        wrong.read("kid", START_UTC_NS, START_UTC_NS + NS)


def answers(influx: Influx, query: str) -> dict[str, bytes]:
    """The same query in both forms."""
    login = base64.b64encode(influx.token.encode()).decode()
    found = {}
    for kind in ("application/csv", "application/json"):
        address = f"{influx.url}/query?epoch=ns&db={influx.bucket}&q={query.replace(' ', '%20')}"
        asked = urllib.request.Request(address, headers={"Authorization": f"Basic {login}", "Accept": kind})
        with urllib.request.urlopen(asked) as answer:
            found[answer.headers["Content-Type"]] = answer.read()
    return found


def plain(frames: Sequence[object]) -> list[tuple[object, ...]]:
    return [
        (f.site, f.sensor, f.first_utc_ns.tolist(), f.heads.tolist(), list(f.described), f.counts.tolist())
        for f in frames
    ]


def test_csv_json_and_csv_without_polars_say_the_same(
    journal: Journal, influx: Influx, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.commit([segment_row(s) for site in (Site.LA, Site.TR) for s in wobbling(30, site=site)])
    journal.commit([segment_row(segment(0, site=Site.RA, axes=3))])
    copied(journal, influx)
    found = answers(influx, "SELECT ax,ay,az,gx,gy,gz,segment FROM imu GROUP BY site,sensor")
    assert len(found) == 2
    forms = [plain(frames_of(body, kind)) for kind, body in found.items()]
    monkeypatch.setattr("store.influx_frames.find_spec", lambda _: None)
    forms += [plain(frames_of(body, kind)) for kind, body in found.items()]
    assert len(forms[0]) == 3
    assert all(form == forms[0] for form in forms)


def test_tags_in_columns_of_their_own_as_3_core_writes_them_are_understood() -> None:
    body = b"name,time,sensor,site,ax,ay,az,gx,gy,gz,segment\nimu,10,la,LA,1,2,3,4,5,6,7 0 1 9 0.5 0.25 0 3\n"
    (frame,) = frames_of(body, "application/csv")
    assert (frame.site, frame.sensor, frame.counts.tolist()) == ("LA", "la", [[1, 2, 3, 4, 5, 6]])
    (row,) = rows_of(body, "application/csv")
    assert row["site"] == "LA"
