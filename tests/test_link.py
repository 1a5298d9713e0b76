"""The link over a whole Bluetooth stack: virtual socks, HCI, L2CAP, ATT, bleak, and back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
from bleak import BleakClient, BleakScanner

from dsp.records import NS, LinkSample, Packet, Segment, SegmentFlag, Site
from firmware_sim.host import GATEWAY_ADDRESS, power_on_host
from firmware_sim.sim_clock import SimClock
from firmware_sim.sock import VirtualSock
from firmware_sim.sock_security import SockSecurity
from ingest.finder import Finder
from ingest.link import LinkState, SockLink, SockSettings
from ingest.sock_codec import SERVICE_UUID, GyroRange
from ingest.stream import SockStream
from tests.radio_rig import Rig, radio_rig

HALF_SAMPLE_NS = NS / 104 / 2


class Shelf:
    """A sink that needs a while to commit, and can be out of order."""

    def __init__(self, clock: SimClock, commit_s: float = 0.2) -> None:
        self._clock = clock
        self._commit_s = commit_s
        self.refuse = 0
        self.kept: list[tuple[Packet, Segment]] = []

    async def offer(self, packet: Packet, segment: Segment) -> None:
        if self.refuse:
            self.refuse -= 1
            raise OSError("the shelf is full")
        await self._clock.sleep(self._commit_s)
        self.kept.append((packet, segment))

    def numbers(self, sensor: str) -> list[tuple[int, int]]:
        return [(p.boot, p.seq) for p, _ in self.kept if p.sensor == sensor]


class Gateway:
    """Links to the socks of a rig, all with one finder, into one shelf."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.shelf = Shelf(rig.clock)
        self.samples: list[LinkSample] = []
        self.finder = Finder(partial(BleakScanner, backend=rig.scanner_cls))
        self.made: list[BleakClient] = []
        self.links: list[SockLink] = []
        self._tasks: list[asyncio.Task[None]] = []

    def client(self, *args: object, **kwargs: object) -> BleakClient:
        client = BleakClient(*args, backend=self.rig.client_cls, **kwargs)
        self.made.append(client)
        return client

    def listen_to(
        self,
        sock: VirtualSock,
        site: Site = Site.LA,
        *,
        settings: SockSettings | None = None,
        stream: SockStream | None = None,
    ) -> SockLink:
        return self.listen_to_address(sock.config.address, sock.name, site, settings=settings, stream=stream)

    def listen_to_address(
        self,
        address: str,
        sensor: str,
        site: Site = Site.LA,
        *,
        settings: SockSettings | None = None,
        stream: SockStream | None = None,
    ) -> SockLink:
        link = SockLink(
            address=address,
            site=site,
            sensor=sensor,
            sink=self.shelf,
            clock=self.rig.clock,
            find=self.finder.find,
            client=self.client,
            on_sample=self.samples.append,
            rssi=self.finder.rssi,
            bonds=self.rig.bonds,
            settings=settings,
            stream=stream,
        )
        self.links.append(link)
        self._tasks.append(asyncio.create_task(link.run()))
        return link

    async def end(self) -> None:
        """Cancel every link; time goes on meanwhile."""
        for task in self._tasks:
            task.cancel()
        ended = asyncio.gather(*self._tasks, return_exceptions=True)
        results = await self.rig.clock.drive(ended, limit_s=60, settle=self.rig.air.settle)
        assert all(isinstance(r, asyncio.CancelledError) for r in results)
        self._tasks.clear()


@asynccontextmanager
async def gateway() -> AsyncIterator[Gateway]:
    async with radio_rig() as rig:
        made = Gateway(rig)
        try:
            yield made
        finally:
            await made.end()


async def until(rig: Rig, truth: Callable[[], bool], limit_s: float = 30) -> None:
    for _ in range(round(limit_s / 0.25)):
        if truth():
            return
        await rig.run(0.25)
    raise AssertionError(truth)


def states(home: Gateway) -> list[str]:
    seen: list[str] = []
    for sample in home.samples:
        if not seen or seen[-1] != sample.state:
            seen.append(sample.state)
    return seen


def edges_ns(home: Gateway, sensor: str) -> np.ndarray:
    """Holes (above zero) and overlaps (below) between neighbours in number order."""
    segments = sorted((s for _, s in home.shelf.kept if s.sensor == sensor), key=lambda s: (s.t0_ns, s.seq))
    assert [s.seq for s in segments] == sorted(s.seq for s in segments)
    return np.array([b.t0_ns - a.end_ns for a, b in pairwise(segments)])


async def test_three_socks_stream_at_once_and_every_packet_arrives_once_and_in_order() -> None:
    async with gateway() as home:
        socks = [await home.rig.sock(name, seconds=60) for name in ("LA", "RA", "TR")]
        for sock, site in zip(socks, (Site.LA, Site.RA, Site.TR), strict=True):
            home.listen_to(sock, site)
        await home.rig.run(62)
        for sock in socks:
            assert sock.finished
            assert home.shelf.numbers(sock.name) == sock.sent
            assert len(sock.sent) > 350
            assert np.all(edges_ns(home, sock.name) == 0)
        kept = [p for p, _ in home.shelf.kept if p.sensor == "RA"]
        source = socks[1].source.counts
        counts = np.concatenate([p.counts for p in kept])
        assert np.array_equal(counts, source[-counts.shape[0] :])
        assert states(home)[:4] != [LinkState.STOPPED]


async def test_segments_lie_where_the_samples_were_taken() -> None:
    async with gateway() as home:
        sock = await home.rig.sock(seconds=60, clock_ppm=90.0, clock_start_ticks=2**32 - 200_000)
        home.listen_to(sock)
        await home.rig.run(55)
        source = sock.source.counts
        first = home.shelf.kept[0][1].counts
        begin = next(i for i in range(len(source)) if np.array_equal(source[i : i + 16], first))
        late_ms = [s.t0_ns / 1e6 - (begin + 16 * s.seq) / 104 * 1e3 for _, s in home.shelf.kept[100:]]
        assert min(late_ms) > -5
        assert max(late_ms) < 5


async def test_what_is_committed_is_confirmed_and_leaves_the_socks_memory() -> None:
    async with gateway() as home:
        sock = await home.rig.sock(seconds=40)
        home.listen_to(sock)
        await home.rig.run(30)
        held = sock.status.held
        assert held is not None
        assert held.newest - held.oldest < 3 * 6.5
        kept = {seq for _, seq in home.shelf.numbers("LA")}
        assert set(range(held.oldest)) <= kept


async def test_nothing_is_confirmed_before_it_is_committed() -> None:
    async with gateway() as home:
        home.shelf._commit_s = 1e6
        sock = await home.rig.sock(seconds=40)
        home.listen_to(sock)
        await home.rig.run(20)
        assert sock.status.held is not None
        assert sock.status.held.oldest == 0
        assert home.shelf.kept == []


async def test_after_a_disconnect_the_missing_packets_come_out_of_the_socks_memory() -> None:
    async with gateway() as home:
        sock = await home.rig.sock(seconds=70)
        link = home.listen_to(sock)
        await home.rig.run(20)
        home.rig.air.set_reachable("gateway", "LA", False, supervision_s=4.0)
        await home.rig.run(15)
        home.rig.air.set_reachable("gateway", "LA", True)
        await home.rig.run(37)
        numbers = home.shelf.numbers("LA")
        assert sorted(numbers) == sock.sent
        assert len(numbers) == len(set(numbers))
        assert link.stream.counts.backfilled > 60
        assert link.stream.lost == 0
        assert np.abs(edges_ns(home, "LA")).max() < HALF_SAMPLE_NS
        flagged = {p.seq for p, _ in home.shelf.kept if SegmentFlag.BACKFILL in p.flags}
        assert len(flagged) == link.stream.counts.backfilled


async def test_a_socks_own_disconnect_is_healed_within_seconds() -> None:
    async with gateway() as home:
        sock = await home.rig.sock(seconds=40)
        link = home.listen_to(sock)
        await home.rig.run(10)
        for _ in range(3):
            drop = asyncio.ensure_future(sock.disconnect())
            await home.rig.run(5)
            await drop
            assert link.state is LinkState.STREAMING
        await home.rig.run(17)
        assert sorted(home.shelf.numbers("LA")) == sock.sent
        assert len(home.made) == 4


async def test_a_link_that_is_connected_but_silent_is_found_within_5_s_and_healed() -> None:
    async with gateway() as home:
        sock = await home.rig.sock(seconds=50)
        link = home.listen_to(sock)
        await home.rig.run(15)
        sock.go_silent(7.0)
        fell_silent_ns = home.rig.clock.now_ns()
        await home.rig.run(37)
        stalled = next(s for s in home.samples if s.state == LinkState.STALLED)
        assert 4 < (stalled.t_ns - fell_silent_ns) / NS <= 5
        assert len(home.made) > 1
        assert sorted(home.shelf.numbers("LA")) == sock.sent
        assert link.stream.counts.received == len(sock.sent)


async def test_a_link_over_which_nothing_new_comes_is_silent_however_much_it_carries() -> None:
    async with gateway() as home:
        sock = await home.rig.sock(seconds=20)
        stream = SockStream(Site.LA, "sock-la")
        stream.resume(sock.boot, 10_000)
        home.listen_to(sock, stream=stream)
        await home.rig.run(12)
        assert stream.counts.duplicates > 10
        assert stream.counts.received == 0
        assert LinkState.STALLED in states(home)


async def test_packets_lost_or_damaged_on_the_air_are_fetched() -> None:
    async with gateway() as home:
        sock = await home.rig.sock(seconds=40)
        link = home.listen_to(sock)
        await home.rig.run(10)
        sock.lose_next(3)
        await home.rig.run(5)
        sock.corrupt_next(2)
        await home.rig.run(27)
        assert sorted(home.shelf.numbers("LA")) == sock.sent
        assert link.stream.counts.damaged == 2
        assert link.stream.counts.backfilled == 5
        assert np.abs(edges_ns(home, "LA")).max() < HALF_SAMPLE_NS
        assert len(home.made) == 1


async def test_a_packet_that_could_not_be_kept_is_fetched_again(caplog: pytest.LogCaptureFixture) -> None:
    async with gateway() as home:
        sock = await home.rig.sock(seconds=40)
        home.listen_to(sock)
        await home.rig.run(10)
        home.shelf.refuse = 20
        await home.rig.run(32)
        assert sorted(home.shelf.numbers("LA")) == sock.sent
    assert [r.message for r in caplog.records if "will be fetched again: 1, " in r.message], "said at once"
    assert sum("not kept" in record.message for record in caplog.records) == 1, "and not for every packet"


async def test_a_restarted_sock_gives_back_what_its_memory_holds_of_the_boot_before() -> None:
    async with gateway() as home:
        sock = await home.rig.sock(seconds=60)
        link = home.listen_to(sock)
        await home.rig.run(20)
        sock.lose_next(5)
        await home.rig.run(1.0)
        await sock.restart()
        await home.rig.run(40)
        assert len({boot for boot, _ in sock.sent}) == 2
        assert sorted(home.shelf.numbers("LA")) == sorted(sock.sent)
        await until(home.rig, lambda: sock.status.earlier is None)
        segments = sorted((s for _, s in home.shelf.kept), key=lambda s: s.t0_ns)
        assert all(b.t0_ns - a.end_ns > -HALF_SAMPLE_NS for a, b in pairwise(segments))
        assert link.stream.lost == 0


async def test_what_the_sock_has_overwritten_is_a_gap_and_does_not_stop_the_rest() -> None:
    async with gateway() as home:
        sock = await home.rig.sock(seconds=80, memory_packets=40)
        link = home.listen_to(sock)
        await home.rig.run(15)
        home.rig.air.set_reachable("gateway", "LA", False, supervision_s=4.0)
        await home.rig.run(25)
        home.rig.air.set_reachable("gateway", "LA", True)
        await home.rig.run(42)
        numbers = home.shelf.numbers("LA")
        assert len(numbers) == len(set(numbers))
        assert link.stream.lost == len(sock.sent) - len(numbers) > 0
        assert sock.status.held is None or sock.status.held.oldest > sock.sent[-1][1] - 20
        assert max(numbers) == sock.sent[-1]


async def test_the_end_stops_the_sock_and_leaves_no_link() -> None:
    async with gateway() as home:
        sock = await home.rig.sock(seconds=40)
        link = home.listen_to(sock)
        await home.rig.run(10)
        await home.end()
        assert not sock.sampling
        assert not sock.connected
        assert link.state is LinkState.STOPPED
        assert sorted(home.shelf.numbers("LA")) == sock.sent
        assert states(home)[-1] == LinkState.STOPPED


async def test_a_sock_that_is_to_go_on_samples_into_its_memory_and_the_next_link_fetches_it() -> None:
    async with gateway() as home:
        sock = await home.rig.sock(seconds=60)
        going_on = SockSettings(stop_at_end=False)
        first = home.listen_to(sock, settings=going_on)
        await home.rig.run(15)
        await home.end()
        assert sock.sampling
        await home.rig.run(10)
        home.listen_to(sock, settings=going_on, stream=first.stream)
        await home.rig.run(37)
        numbers = home.shelf.numbers("LA")
        assert sorted(numbers) == sock.sent
        assert len(numbers) == len(set(numbers))


async def test_other_settings_reach_the_sock() -> None:
    async with gateway() as home:
        sock = await home.rig.sock(seconds=20)
        home.listen_to(sock, settings=SockSettings(gyro=GyroRange.OFF))
        await home.rig.run(10)
        packet, _ = home.shelf.kept[-1]
        assert packet.counts.shape[1] == 3


async def test_a_sock_that_is_not_there_is_searched_for_and_found_when_it_comes() -> None:
    async with gateway() as home:
        sock = await home.rig.sock(seconds=60)
        home.rig.air.set_reachable("gateway", "LA", False)
        link = home.listen_to(sock)
        await home.rig.run(20)
        assert link.state in (LinkState.SEARCHING, LinkState.BACKING_OFF)
        home.rig.air.set_reachable("gateway", "LA", True)
        await until(home.rig, lambda: link.state is LinkState.STREAMING)
        assert states(home)[-5:] == ["searching", "connecting", "pairing", "subscribing", "streaming"]


async def test_notifications_of_an_ended_connection_are_not_taken() -> None:
    async with gateway() as home:
        sock = await home.rig.sock(seconds=40)
        link = home.listen_to(sock)
        await home.rig.run(10)
        old = link._session
        assert old is not None
        drop = asyncio.ensure_future(sock.disconnect())
        await home.rig.run(5)
        await drop
        assert link._session is not old
        before = link.stream.counts.received, link.stream.counts.duplicates
        old._pass_on(link._take_data, None, bytearray(b"\x01"))
        assert (link.stream.counts.received, link.stream.counts.duplicates) == before
        assert link.stream.counts.damaged == 0


async def test_link_samples_tell_battery_and_strength_every_minute() -> None:
    async with gateway() as home:
        sock = await home.rig.sock(seconds=150)
        home.listen_to(sock)
        await home.rig.run(140)
        streaming = [s for s in home.samples if s.state == LinkState.STREAMING]
        assert len(streaming) >= 3
        assert streaming[-1].battery == 100
        assert streaming[-1].rssi is not None
        assert streaming[-1].received > 700
        assert streaming[-1].lost == 0
        assert streaming[-1].residual_ms is not None
        assert -1 < streaming[-1].residual_ms < 60


async def test_in_five_bad_minutes_every_packet_still_arrives_once() -> None:
    rng = np.random.default_rng(1)
    async with gateway() as home:
        socks = [await home.rig.sock(name, seconds=330, clock_ppm=float(ppm)) for name, ppm in PPM.items()]
        for sock, site in zip(socks, (Site.LA, Site.RA, Site.TR), strict=True):
            home.listen_to(sock, site)
        await home.rig.run(10)
        restarted = socks[int(rng.integers(3))]
        for minute in range(5):
            await bad_minute(home, socks[int(rng.integers(3))], rng)
            if minute == 2:
                await restarted.restart()
        await home.rig.run(60)
        await home.end()
        for sock, link in zip(socks, home.links, strict=True):
            assert sorted(home.shelf.numbers(sock.name)) == sorted(sock.sent)
            assert link.stream.lost == 0
            assert link.stream.counts.backfilled > 0 or sock is not restarted
        first = [s for p, s in home.shelf.kept if p.sensor == socks[0].name and p.boot == socks[0].sent[0][0]]
        first.sort(key=lambda s: s.seq)
        edges = [b.t0_ns - a.end_ns for a, b in pairwise(first)]
        assert max(map(abs, edges)) < HALF_SAMPLE_NS


PPM = {"LA": 60, "RA": -40, "TR": 5}


async def bad_minute(home: Gateway, sock: VirtualSock, rng: np.random.Generator) -> None:
    """One fault of a kind that a night brings, and the rest of the minute."""
    match int(rng.integers(5)):
        case 0:
            home.rig.air.set_reachable("gateway", sock.name, False, supervision_s=4.0)
            await home.rig.run(float(rng.uniform(1, 30)))
            home.rig.air.set_reachable("gateway", sock.name, True)
        case 1:
            drop = asyncio.ensure_future(sock.disconnect())
            await home.rig.run(2)
            await drop
        case 2:
            sock.go_silent(float(rng.uniform(1, 20)))
        case 3:
            sock.lose_next(int(rng.integers(1, 30)))
        case _:
            sock.corrupt_next(int(rng.integers(1, 10)))
    await home.rig.run(30)


async def test_a_device_without_our_service_is_refused_by_name(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "ingest")
    async with gateway() as home:
        address = "F0:00:00:00:09:09"
        stranger = await power_on_host(home.rig.air.controller("stranger"), address=address)
        SockSecurity(address=address, passkey=0, bonded_with=GATEWAY_ADDRESS).guard(stranger)
        await stranger.start_advertising(auto_restart=True)
        link = home.listen_to_address(address, "stranger")
        await home.rig.run(5)
        assert link.state is not LinkState.STREAMING
        assert f"no service {SERVICE_UUID}" in caplog.text
        await home.end()
        await stranger.stop_advertising()
        await stranger.power_off()


async def test_a_link_that_would_cut_packets_off_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "ingest")
    async with gateway() as home:
        sock = await home.rig.sock(seconds=20)
        sock.gatt.device.gatt_server.max_mtu = 100
        link = home.listen_to(sock)
        await home.rig.run(5)
        assert link.state is not LinkState.STREAMING
        assert "carries 97 bytes at once, 244 are needed" in caplog.text
        assert not sock.sampling


async def test_pauses_between_attempts_grow_and_then_stay(caplog: pytest.LogCaptureFixture) -> None:
    async with gateway() as home:
        sock = await home.rig.sock(seconds=20)
        sock.gatt.device.gatt_server.max_mtu = 100
        home.listen_to(sock)
        await home.rig.run(100)
        tries = [s.t_ns / NS for s in home.samples if s.state == LinkState.SEARCHING]
        pauses = np.diff(tries)
        assert np.all(np.diff(pauses[:5]) > 0)
        assert pauses.max() < 17
        assert len(tries) >= 8


async def test_links_share_one_scanner_and_it_rests_when_nobody_searches() -> None:
    async with gateway() as home:
        for name, site in zip(PPM, (Site.LA, Site.RA, Site.TR), strict=True):
            home.listen_to(await home.rig.sock(name, seconds=20), site)
        await home.rig.run(5)
        assert all(link.state is LinkState.STREAMING for link in home.links)
        assert not home.rig.device.is_scanning
