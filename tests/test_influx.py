"""The sink against a real InfluxDB, and against a server that misbehaves on purpose."""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest

from dsp.records import (
    NS,
    Alert,
    ClockRow,
    Config,
    Coverage,
    Epoch,
    Event,
    EventStatus,
    LinkSample,
    Severity,
    Site,
    State,
    StateEpoch,
    Usability,
)
from store.influx import InfluxSink, Raw, SinkReport, SinkState
from store.journal import Journal
from store.rows import LinkRow
from tests.servers_fixtures import Influx
from tests.store_examples import event, segment, segment_row

OFFSET_NS = 1_773_525_600 * NS
CLOCK = ClockRow(0, OFFSET_NS, "b", "UTC")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal.open(tmp_path / "n.sqlite") as opened:
        opened.commit([CLOCK])
        yield opened


def sink_for(journal: Journal, influx: Influx, **changes: Any) -> InfluxSink:
    values = {"url": influx.url, "token": influx.token, "org": influx.org, "bucket": influx.bucket}
    return InfluxSink(journal, gateway="gw", chance=random.Random(1), **{**values, **changes})


def drain(sink: InfluxSink) -> list[SinkReport]:
    reports = [sink.step()]
    while reports[-1].state is SinkState.SENT:
        reports.append(sink.step())
    return reports


def alert(number: int) -> Alert:
    return Alert(
        f"a{number}", 1, Severity.NOTICE, "kid", number * NS, "p", None, 0, 0, 1, "r:1", 'it\'s "now"'
    )


def test_events_in_the_database_equal_those_in_the_journal(journal: Journal, influx: Influx) -> None:
    journal.commit(
        [
            event("a", onset_ns=5 * NS),
            event("b", onset_ns=5 * NS),  # a parent and its first member begin together
            event("a", 2, onset_ns=5 * NS, count=9, status=EventStatus.END, since_waking_s=None),
            event("c", onset_ns=7 * NS, status=EventStatus.WITHDRAWN, reason='late "data"\nsaid so'),
        ]
    )
    with sink_for(journal, influx) as sink:
        assert drain(sink)[-1].state is SinkState.IDLE
    found = influx.query("SELECT body, count, version FROM event GROUP BY id")
    stored = {str(row["id"]): msgspec.json.decode(str(row["body"]), type=Event) for row in found}
    assert stored == {e.id: e for e in journal.events(latest_only=True)}
    assert {row["id"]: (row["count"], row["time"]) for row in found}["a"] == (9, OFFSET_NS + 5 * NS)


def test_every_sample_arrives_at_its_time(journal: Journal, influx: Influx) -> None:
    made = [segment(seq, site=site) for seq in range(40) for site in (Site.LA, Site.TR)]
    journal.commit([segment_row(s) for s in made])
    with sink_for(journal, influx) as sink:
        assert sum(report.lines for report in drain(sink)) == 40 * 2 * 16
    for site in (Site.LA, Site.TR):
        rows = influx.query(f"SELECT ax, ay, az, gx, gy, gz, segment FROM imu WHERE site = '{site}'")
        sent = [s for s in made if s.site is site]
        assert [row["time"] for row in rows] == [
            OFFSET_NS + s.t0_ns + i * s.step_ns for s in sent for i in range(s.n)
        ]
        assert [[row[k] for k in ("ax", "ay", "az", "gx", "gy", "gz")] for row in rows] == [
            counts for s in sent for counts in s.counts.tolist()
        ]
        assert [row["segment"] for row in rows if row["segment"]] == [
            f"7 {s.seq} 16 {s.step_ns} {s.scale.acc_g!r} {s.scale.gyro_dps!r} 0 {s.t0_ns}" for s in sent
        ]


def test_what_is_sent_twice_is_there_once(journal: Journal, influx: Influx, tmp_path: Path) -> None:
    journal.commit([segment_row(segment(seq)) for seq in range(5)])
    journal.commit([event(), alert(1)])
    with sink_for(journal, influx) as sink:
        drain(sink)
    journal.close()
    (tmp_path / "n.cursors.sqlite").unlink()
    with Journal.open(tmp_path / "n.sqlite") as again, sink_for(again, influx) as sink:
        assert sum(report.lines for report in drain(sink)) == 82
    assert influx.query("SELECT count(ax) FROM imu")[0]["count"] == 80
    assert influx.query("SELECT count(body) FROM event")[0]["count"] == 1
    assert influx.query("SELECT count(body) FROM alert")[0]["count"] == 1


def test_a_restarted_sink_goes_on_where_it_was_confirmed(journal: Journal, influx: Influx) -> None:
    journal.commit([segment_row(segment(seq)) for seq in range(5)])
    with sink_for(journal, influx) as sink:
        drain(sink)
    minute = Coverage("kid", 60 * NS, 60 * NS, Usability.USABLE, (), ((Site.LA, 1.0),))
    journal.commit([minute])
    with sink_for(journal, influx) as sink:
        assert [report.lines for report in drain(sink)] == [1, 0]
    assert influx.query("SELECT seen_LA FROM coverage")[0]["seen_LA"] == 1


def test_the_database_goes_away_and_everything_is_there_when_it_is_back(
    journal: Journal, own_influx: Influx
) -> None:
    with sink_for(journal, own_influx) as sink:
        journal.commit([segment_row(segment(0))])
        drain(sink)
        own_influx.server.kill_engine()
        journal.commit([segment_row(segment(seq)) for seq in range(1, 50)])
        waits = [sink.step() for _ in range(4)]
        assert {report.state for report in waits} == {SinkState.WAITING}
        assert all(0 < report.wait_s <= 8 for report in waits)
        assert waits[0].error
        assert waits[-1].row == journal.cursor("influx") < journal.last_row
        own_influx.server.start_engine()
        drain(sink)
    assert own_influx.query("SELECT count(ax) FROM imu")[0]["count"] == 50 * 16
    assert journal.cursor("influx") == journal.last_row


def test_a_type_conflict_sets_one_line_aside_and_stores_the_rest(journal: Journal, influx: Influx) -> None:
    with sink_for(journal, influx) as sink:
        journal.commit([segment_row(segment(0)), event("fine")])
        drain(sink)
        sink._service.post_write(
            org="o", bucket=influx.bucket, body=f'alert,gateway=gw count="many" {OFFSET_NS}'.encode()
        )
        conflict = journal.commit([segment_row(segment(1)), alert(7), event("also fine")])
        reports = drain(sink)
    (letter,) = journal.dead_letters("influx")
    assert letter.row == conflict.rows[1]
    assert "422" in letter.reason
    assert "conflict" in letter.reason
    assert letter.body.startswith(b"alert,gateway=gw,id=a7")
    assert sum(report.quarantined for report in reports) == 1
    assert influx.query("SELECT count(ax) FROM imu")[0]["count"] == 32
    assert influx.query("SELECT count(body) FROM event")[0]["count"] == 2
    assert journal.cursor("influx") == journal.last_row


@pytest.mark.parametrize(
    ("change", "status"), [({"token": "admin:wrong"}, "401"), ({"bucket": "gone"}, "404")]
)
def test_a_refused_token_or_bucket_stops_the_sink_and_keeps_everything(
    journal: Journal, influx: Influx, change: dict[str, str], status: str
) -> None:
    journal.commit([event()])
    with sink_for(journal, influx, **change) as sink:
        report = sink.step()
        assert report.state is SinkState.STOPPED
        assert status in report.error
        assert "Check token, organisation and bucket" in report.error
        assert influx.token not in report.error
        assert sink.step() == report
        sink.resume()
        assert sink.step().state is SinkState.STOPPED
    assert journal.cursor("influx") == 0
    with sink_for(journal, influx) as sink:
        drain(sink)
    assert influx.query("SELECT count(body) FROM event")[0]["count"] == 1


DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "influxdb.md"


def everything() -> list[Any]:
    """A row of every measurement with every field."""
    return [
        segment_row(segment(0)),
        Epoch("kid", Site.LA, NS, 30 * NS, 1.0, True, 0.0, 0.01, 0.01, 1.5, (0.0, 0.0, 1.0)),
        StateEpoch("kid", NS, 30 * NS, State.QUIET_SLEEP, 0.9, 0.6, 0.8, NS),
        event(),
        alert(1),
        Coverage("kid", NS, 60 * NS, Usability.USABLE, ("x",), ((Site.LA, 1.0),)),
        LinkRow("kid", LinkSample(Site.LA, "sock-LA", NS, "streaming", 5, 1, 0, 80, -71, 0.5, 12.0)),
        Config(NS, "d1", "{}"),
    ]


def documented() -> dict[str, tuple[set[str], set[str]]]:
    """Tags and fields of each measurement as the document's table names them."""
    found = {}
    for line in DOCUMENT.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) == 6 and cells[1].startswith("`"):
            words = [set(" ".join(re.findall("`([^`]*)`", cell)).split()) for cell in (cells[2], cells[4])]
            name = cells[1].strip("`")
            common = {"gateway"} if name == "config" else {"gateway", "infant"}
            found[name] = (words[0] | common, words[1])
    return found


def test_the_document_names_the_very_tags_and_fields(
    journal: Journal, influx: Influx, tmp_path: Path
) -> None:
    journal.commit(everything())
    with Journal.open(tmp_path / "thin.sqlite") as thin:
        thin.commit([CLOCK, *(segment_row(segment(seq)) for seq in range(60))])
        for source, raw in ((journal, Raw.FULL), (thin, Raw.THINNED)):
            with sink_for(source, influx, raw=raw) as sink:
                drain(sink)
    stored = {
        measurement: (
            {str(row["tagKey"]) for row in influx.query(f"SHOW TAG KEYS FROM {measurement}")},
            {str(row["fieldKey"]) for row in influx.query(f"SHOW FIELD KEYS FROM {measurement}")},
        )
        for measurement in documented()
    }
    assert stored == documented()
    assert len(stored) == 9


def test_the_document_s_queries_find_what_they_ask_for(journal: Journal, influx: Influx) -> None:
    journal.commit(everything())
    with sink_for(journal, influx) as sink:
        drain(sink)
    queries = re.findall(r"^SELECT .*$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(queries) == 3
    for query in queries:
        assert influx.query(query.replace("KID", "kid")), query


# a server that misbehaves

Answer = tuple[int, dict[str, str]]


class Misbehaving:
    """Answers each write as the test wants it and keeps what it accepted.

    With `keeps_good` it stores the lines of a refused request that do not contain these bytes, as 3 Core does; `drops`
    connections are closed before any answer; without `own_date` only the answer's own headers are sent; `words` are
    the body of every refusal.
    """

    def __init__(
        self,
        answer: Callable[[bytes], Answer],
        *,
        keeps_good: bytes = b"",
        drops: int = 0,
        own_date: bool = True,
        words: bytes = b"",
    ) -> None:
        self.answer = answer
        self.words = words
        self.keeps_good = keeps_good
        self.drops = drops
        self.own_date = own_date
        self.stored: set[bytes] = set()
        self.requests: list[int] = []
        self.paths: set[str] = set()


@contextmanager
def served(server: Misbehaving) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            server.paths.add(self.path)
            if server.drops:
                server.drops -= 1
                self.close_connection = True
                return
            status, headers = server.answer(body)
            server.requests.append(status)
            if status == 204:
                server.stored.update(body.split(b"\n"))
            elif server.keeps_good:
                server.stored.update(line for line in body.split(b"\n") if server.keeps_good not in line)
            (self.send_response if server.own_date else self.send_response_only)(status)
            for name, value in headers.items():
                self.send_header(name, value)
            words = b"" if status == 204 else server.words
            self.send_header("Content-Length", str(len(words)))
            self.end_headers()
            self.wfile.write(words)

        def log_message(self, *_: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{http.server_port}"
    finally:
        http.shutdown()
        thread.join()
        http.server_close()


def sink_at(journal: Journal, url: str, **changes: Any) -> InfluxSink:
    return InfluxSink(
        journal, url=url, token="t", org="o", bucket="b", gateway="gw", chance=random.Random(1), **changes
    )


@pytest.mark.parametrize("status", [429, 500, 503])
def test_the_wait_the_server_asks_for_is_honoured_and_nothing_is_dropped(
    journal: Journal, status: int
) -> None:
    answers = iter(
        [(status, {"Retry-After": "17"}), (status, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"})]
    )
    server = Misbehaving(lambda _: next(answers, (204, {})))
    journal.commit([event()])
    with served(server) as url, sink_at(journal, url) as sink:
        first, second, third = (sink.step() for _ in range(3))
    assert (first.state, first.wait_s) == (SinkState.WAITING, 17)
    assert second.state is SinkState.WAITING
    assert 1 <= second.wait_s <= 2
    assert (third.state, third.lines) == (SinkState.SENT, 1)
    assert len(server.stored) == 1


def test_waits_grow_to_a_minute_and_are_spread_by_chance(journal: Journal) -> None:
    journal.commit([event()])
    server = Misbehaving(lambda _: (503, {}))
    with served(server) as url, sink_at(journal, url) as sink:
        waits = [sink.step().wait_s for _ in range(12)]
    assert all(30 <= wait <= 60 for wait in waits[6:])
    assert len(set(waits)) == len(waits)
    assert waits[0] <= 1


@pytest.mark.parametrize("status", [400, 413, 422])
def test_the_bad_lines_are_isolated_and_all_others_stored(journal: Journal, status: int) -> None:
    server = Misbehaving(lambda body: (status, {}) if b"bad" in body else (204, {}))
    journal.commit([segment_row(segment(seq)) for seq in range(20)])
    bad = journal.commit([event("bad1"), event("good"), event("bad2")])
    with served(server) as url, sink_at(journal, url) as sink:
        reports = drain(sink)
    assert [letter.row for letter in journal.dead_letters("influx")] == [bad.rows[0], bad.rows[2]]
    assert all(str(status) in letter.reason for letter in journal.dead_letters("influx"))
    assert len(server.stored) == 20 * 16 + 1
    assert sum(report.quarantined for report in reports) == 2
    assert journal.cursor("influx") == journal.last_row
    assert len(server.requests) < 40


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (400, b'{"error":"partial write: points beyond retention policy dropped=160"}'),
        (422, b'{"code":"unprocessable entity","message":"failure writing points to database: partial write: '
              b'dropped 160 points outside retention policy of duration 24h0m0s - oldest point imu at 1970"}'),
    ],
    ids=["1.x", "2.x"],
)  # fmt: skip
def test_lines_older_than_the_bucket_keeps_any_are_counted_and_not_hunted_for(
    journal: Journal, status: int, words: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    server = Misbehaving(lambda _: (status, {}), words=words)
    journal.commit([segment_row(segment(seq)) for seq in range(20)])
    with served(server) as url, sink_at(journal, url) as sink:
        reports = drain(sink)
    assert server.requests == [status]
    assert (sum(r.left_out for r in reports), sum(r.lines for r in reports)) == (160, 160)
    assert journal.dead_letters("influx") == []
    assert journal.cursor("influx") == journal.last_row
    assert caplog.text.count("keeps nothing so old, 160 lines were not stored") == 1
    assert "did not store 160 lines" in caplog.text


def test_what_is_kept_of_a_night_that_is_refused_line_by_line_has_an_end(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("store.cursors._LETTERS_MOST", 10)
    server = Misbehaving(lambda _: (400, {}))
    journal.commit([segment_row(segment(seq)) for seq in range(2)])
    with served(server) as url, sink_at(journal, url) as sink:
        drain(sink)
    assert len(journal.dead_letters("influx")) == 10
    assert caplog.text.count("was set aside") == 10
    assert "refused 22 more for good" in caplog.text
    assert journal.cursor("influx") == journal.last_row


def test_a_server_that_refuses_all_lines_does_not_hold_a_step_for_ever(journal: Journal) -> None:
    server = Misbehaving(lambda _: (400, {}))
    journal.commit([segment_row(segment(seq)) for seq in range(10)])
    with served(server) as url, sink_at(journal, url) as sink:
        sink.step()
        assert len(server.requests) == 32
        assert journal.cursor("influx") == 0
        drain(sink)
    assert len(journal.dead_letters("influx")) == 160
    assert journal.cursor("influx") == journal.last_row


def test_an_outage_in_the_middle_of_the_hunt_loses_nothing(journal: Journal) -> None:
    chance = random.Random(3)

    def answer(body: bytes) -> Answer:
        if chance.random() < 0.3:
            return 503, {}
        return (422, {}) if b"bad" in body else (204, {})

    server = Misbehaving(answer)
    journal.commit([segment_row(segment(seq)) for seq in range(10)] + [event("bad"), event("good")])
    with served(server) as url, sink_at(journal, url) as sink:
        while sink.step().state is not SinkState.IDLE:
            pass
    assert len(server.stored) == 161
    assert [letter.body[:26] for letter in journal.dead_letters("influx")] == [b"event,gateway=gw,id=bad,in"]


def test_a_server_that_hangs_or_is_not_there_is_waited_for(journal: Journal) -> None:
    journal.commit([event()])

    def hang(_: bytes) -> Answer:
        time.sleep(0.5)
        return 204, {}

    with served(Misbehaving(hang)) as url, sink_at(journal, url, timeout_ms=100) as sink:
        assert sink.step().state is SinkState.WAITING
    with sink_at(journal, url) as sink:
        report = sink.step()
    assert report.state is SinkState.WAITING
    assert report.error
    assert journal.cursor("influx") == 0


def test_times_are_sent_in_nanoseconds_and_said_to_be(journal: Journal) -> None:
    server = Misbehaving(lambda _: (204, {}))
    journal.commit([event()])
    with served(server) as url, sink_at(journal, url) as sink:
        drain(sink)
    (path,) = server.paths
    assert path.startswith("/api/v2/write?")
    assert "precision=ns" in path


def test_without_a_clock_row_nothing_is_sent_until_there_is_one(tmp_path: Path) -> None:
    server = Misbehaving(lambda _: (204, {}))
    with Journal.open(tmp_path / "n.sqlite") as journal, served(server) as url, sink_at(journal, url) as sink:
        journal.commit([event(onset_ns=5 * NS)])
        assert sink.step().state is SinkState.IDLE
        assert server.requests == []
        journal.commit([CLOCK])
        drain(sink)
    (line,) = server.stored
    assert line.endswith(f" {OFFSET_NS + 5 * NS}".encode())


def test_a_row_has_the_same_utc_when_it_is_sent_again_after_a_clock_step(tmp_path: Path) -> None:
    server = Misbehaving(lambda _: (204, {}))
    path = tmp_path / "n.sqlite"
    with served(server) as url:
        with Journal.open(path) as journal, sink_at(journal, url) as sink:
            journal.commit([CLOCK, segment_row(segment(650))])  # at 100 s
            drain(sink)
            journal.commit([ClockRow(50 * NS, OFFSET_NS + 57 * NS, "b", "UTC")])
            journal.commit([segment_row(segment(1300))])
            drain(sink)
        stored = set(server.stored)
        (tmp_path / "n.cursors.sqlite").unlink()
        with Journal.open(path) as journal, sink_at(journal, url) as sink:
            drain(sink)
    assert server.stored == stored
    times = sorted(int(line.rsplit(b" ", 1)[1]) for line in stored)
    assert times[0] == OFFSET_NS + 650 * 16 * 9_615_385
    assert times[16] == OFFSET_NS + 7 * NS + 1300 * 16 * 9_615_385
