"""What a gateway that starts again still knows of its socks' clocks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from bleak import BleakClient, BleakScanner

from dsp.records import NS, ClockRow, Packet, Segment, Site
from firmware_sim.sock import VirtualSock
from ingest.clock_fit import ClockFit
from ingest.finder import Finder
from ingest.sock_codec import Confirm, Fetch, Held, as_backfill
from ingest.stream import SockStream
from lullwatch.clocks_again import fit_again
from lullwatch.gateway import Gateway, Radio, Sensor, Wearer
from store.journal import Journal
from store.rows import SegmentRow
from store.shelf import Shelf
from tests.radio_rig import Rig, radio_rig
from tests.sensor_truth import Truth
from tests.test_stream import raw_of, status

ROW = ClockRow(0, 1_767_290_400 * NS, "one boot", "UTC")


@asynccontextmanager
async def monitoring(rig: Rig, path: Path, sock: VirtualSock, row: ClockRow = ROW) -> AsyncIterator[Gateway]:
    """A gateway on a journal, from its start to its planned end; the sock samples on after it."""
    finder = Finder(partial(BleakScanner, backend=rig.scanner_cls))
    client = partial(BleakClient, backend=rig.client_cls)
    with Journal.open(path) as journal:
        gateway = Gateway(
            name="again",
            journal=journal,
            clock=rig.clock,
            clock_row=replace(row, t_ns=rig.clock.now_ns()),
            wearers=[Wearer("kid", (Sensor(Site.LA, "la", sock.config.address),))],
            radio=Radio(finder.find, client, finder.rssi, rig.bonds),
        )
        for link in gateway.links:
            link._settings = replace(link._settings, stop_at_end=False)
        await gateway.__aenter__()
        try:
            yield gateway
        finally:
            await gateway.__aexit__(None, None, None)


async def run(rig: Rig, gateway: Gateway | None, seconds: float) -> None:
    async def settle() -> None:
        await rig.air.settle()
        if gateway is not None and await gateway.settle():
            await rig.air.settle()

    await rig.clock.run(rig.clock.now_ns() + round(seconds * NS), settle=settle)


async def test_a_sock_that_restarted_while_the_gateway_was_away_loses_nothing_of_the_boot_before(
    tmp_path: Path,
) -> None:
    path = tmp_path / "night.sqlite"
    async with radio_rig() as rig:
        sock = await rig.sock(seconds=300, clock_ppm=80.0)
        async with monitoring(rig, path, sock) as gateway:
            await run(rig, gateway, 60)
        await run(rig, None, 40)
        heard, held = sock.boot, sock.next_seq
        await sock.restart()
        await run(rig, None, 20)
        async with monitoring(rig, path, sock) as gateway:
            await run(rig, gateway, 30)
        with Journal.read_only(path) as journal:
            kept = [(p.boot, p.seq) for p in journal.packets("kid")]
            segments = [s for s in journal.segments("kid") if s.boot == heard]
        assert len(kept) == len(set(kept))
        assert set(sock.sent[: len(kept) - 2]) <= set(kept)
        assert {seq for boot, seq in kept if boot == heard} == set(range(held))
        late_ms = [abs(s.t0_ns / 1e6 - _true_ms(sock, s.counts)) for s in segments[100:]]
        assert max(late_ms) < 20


def _true_ms(sock: VirtualSock, counts: np.ndarray) -> float:
    source = sock.source.counts
    (first,) = np.flatnonzero((source[:, :6] == counts[0]).all(axis=1))[:1]
    return float(first) / 104 * 1e3


def journal_of(path: Path, truth: Truth, minutes: float, infant: str = "kid") -> ClockFit:
    fit = ClockFit("sock-la")
    rows = []
    for packet, _ in truth.packets(minutes):
        place = fit.place(packet)
        rows.append(SegmentRow(infant, packet, _segment(packet, place)))
    with Journal.open(path) as journal:
        journal.commit([ROW, *rows])
    return fit


def _segment(packet, place):  # type: ignore[no-untyped-def]
    from dsp.records import Segment

    return Segment(
        packet.site, packet.sensor, packet.boot, packet.seq, place.t0_ns, place.step_ns, packet.counts,
        packet.scale, packet.flags,
    )  # fmt: skip


def test_the_fit_goes_on_where_it_was(tmp_path: Path) -> None:
    path = tmp_path / "night.sqlite"
    truth = Truth(ppm=70)
    before = journal_of(path, truth, 12)
    with Shelf.around(path) as shelf:
        again = fit_again(shelf, "kid", "sock-la", ROW)
    assert again is not None
    later = [p for p, _ in truth.packets(14)][-300:]
    apart = [abs(again.place(p).t0_ns - before.place(p).t0_ns) / 1e6 for p in later]
    assert max(apart) < 2


def test_another_infants_sensor_of_the_same_name_is_not_taken_for_it(tmp_path: Path) -> None:
    path = tmp_path / "night.sqlite"
    journal_of(path, Truth(boot=5), 1, infant="twin")
    with Shelf.around(path) as shelf:
        assert fit_again(shelf, "kid", "sock-la", ROW) is None
        fit = fit_again(shelf, "twin", "sock-la", ROW)
    assert fit is not None
    assert fit.knows(5)


@pytest.mark.parametrize("cut_s", [-20.0, 0.0, 0.4, 300.0])
def test_after_the_computer_was_off_the_next_arrival_says_how_late_it_is(
    tmp_path: Path, cut_s: float
) -> None:
    path = tmp_path / "night.sqlite"
    truth = Truth(ppm=-60)
    journal_of(path, truth, 10)
    with Shelf.around(path) as shelf:
        fit = fit_again(shelf, "kid", "sock-la", replace(ROW, boot="another boot"))
    assert fit is not None
    errors = []
    for packet, true_s in list(truth.packets(60))[-6000:]:
        moved = replace(packet, arrived_ns=packet.arrived_ns + round(cut_s * NS))
        errors.append(fit.place(moved).t0_ns / 1e6 - (true_s + cut_s) * 1e3)
    assert max(np.abs(errors[1000:])) < 60


@pytest.mark.parametrize("heard_since", [0, 300])
def test_a_second_start_knows_of_the_cut_before_the_first(tmp_path: Path, heard_since: int) -> None:
    path = tmp_path / "night.sqlite"
    truth = Truth(ppm=-60)
    journal_of(path, truth, 10)
    started = replace(ROW, boot="another boot", t_ns=701 * NS)
    packets = [
        (replace(p, arrived_ns=p.arrived_ns - 19 * NS), true_s - 19)
        for p, true_s in truth.packets(14)
        if true_s >= 740
    ]
    with Shelf.around(path) as shelf:
        first = fit_again(shelf, "kid", "sock-la", started)
    assert first is not None
    kept = [SegmentRow("kid", p, _segment(p, first.place(p))) for p, _ in packets[:heard_since]]
    with Journal.open(path) as journal:
        journal.commit([started, *kept])
    with Shelf.around(path) as shelf:
        again = fit_again(shelf, "kid", "sock-la", replace(started, t_ns=800 * NS))
    assert again is not None
    late_ms = [abs(again.place(p).t0_ns / 1e6 - true_s * 1e3) for p, true_s in packets[heard_since:][:100]]
    assert max(late_ms) < 60
    assert again.first_with_room(1) > 3000


class Cut:
    """A sock samples on for 40 s while the gateway's computer is off; of those the computer's clock loses `lost_s`."""

    def __init__(self, path: Path, *, lost_s: float, boot: int = 1) -> None:
        heard = Truth(ppm=-60)
        journal_of(path, heard, 10)
        self.newest_ns = 700 * NS  # the sock began at 100 s
        self.started_ns = self.newest_ns + NS
        with Shelf.around(path) as shelf:
            fit = fit_again(shelf, "kid", "sock-la", replace(ROW, boot="another", t_ns=self.started_ns))
        now = heard if boot == 1 else Truth(boot=boot, start_s=705, ppm=-60)
        self.lost_s = lost_s
        self.sent = [(p, true_s) for p, true_s in now.packets(11) if true_s >= 700]
        self.live = next(i for i, (_, true_s) in enumerate(self.sent) if true_s >= 740)
        self.stream = SockStream(Site.LA, "sock-la", fit=fit)
        first, self.boot = self.sent[0][0].seq, boot
        held = Held(boot, first, self.sent[self.live][0].seq - 1)
        self.stream.begin(status(boot=boot, next_seq=held.newest + 1, held=held))
        self.placed: dict[int, Segment] = {}

    def hear(self, i: int) -> None:
        packet, _ = self.sent[i]
        moved = packet.arrived_ns - round(self.lost_s * NS)
        self._take(self.stream.take(raw_of(packet), moved))

    def fetch(self) -> list[Fetch]:
        """Fetch as long as anything is wanted."""
        fetched = []
        while (fetch := self.stream.wanted()) and len(fetched) < 3:
            fetched.append(fetch)
            for packet, _ in self.sent:
                if fetch.first <= packet.seq <= fetch.last:
                    self._take(self.stream.take(as_backfill(raw_of(packet)), 730 * NS))
        return fetched

    def _take(self, taken: tuple[Packet, Segment] | None) -> None:
        if taken is not None:
            self.stream.committed(taken[0])
            self.placed[taken[0].seq] = taken[1]

    def late_ms(self) -> list[float]:
        """How far each placed packet lies from where it belongs."""
        true = {p.seq: (true_s - self.lost_s) * 1e3 for p, true_s in self.sent}
        return [abs(s.t0_ns / 1e6 - true[seq]) for seq, s in self.placed.items()]


@pytest.mark.parametrize("boot", [1, 2])
def test_what_the_sock_kept_while_the_computer_lost_time_is_not_laid_over_what_stands_there(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, boot: int
) -> None:
    cut = Cut(tmp_path / "night.sqlite", lost_s=19.0, boot=boot)
    for i in range(cut.live, cut.live + 20):
        cut.hear(i)
    assert len(cut.fetch()) == 1
    floor_ns = cut.started_ns if boot == 1 else cut.newest_ns
    assert min(s.t0_ns for s in cut.placed.values()) >= floor_ns - NS // 100
    given_up = [p.seq for p, _ in cut.sent[: cut.live] if p.seq not in cut.placed]
    assert [seq for seq, _ in enumerate(given_up, given_up[0])] == given_up
    assert (cut.sent[len(given_up)][1] - cut.lost_s) * NS - floor_ns < NS // 5, "no more than has no room"
    assert max(cut.late_ms()) < 60
    assert caplog.text.count("its clock lost that time") == 1
    assert cut.stream.lost == len(given_up)
    assert cut.stream.confirms() == [Confirm(boot, cut.sent[cut.live + 19][0].seq)]


@pytest.mark.parametrize("boot", [1, 2])
def test_what_the_sock_kept_has_its_place_where_the_clock_lost_no_time(tmp_path: Path, boot: int) -> None:
    cut = Cut(tmp_path / "night.sqlite", lost_s=0.0, boot=boot)
    for i in range(cut.live, cut.live + 20):
        cut.hear(i)
    cut.fetch()
    assert cut.stream.lost == 0
    assert max(cut.late_ms()) < 60


def test_a_packet_that_its_stamp_puts_before_the_cut_is_given_up_when_it_comes(tmp_path: Path) -> None:
    cut = Cut(tmp_path / "night.sqlite", lost_s=19.0)
    cut.hear(cut.live)
    packet, _ = cut.sent[10]
    assert cut.stream.take(as_backfill(raw_of(packet)), 730 * NS) is None
    assert cut.stream._ledger(1).given_up == 11, "and so is what was measured before it"
    assert cut.stream.wanted() is not None
