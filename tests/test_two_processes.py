"""Socks in one process, the gateway in another, an HCI socket between."""

import asyncio
from functools import partial

import msgspec
import numpy as np
import pytest
from bleak import BleakClient, BleakScanner
from bumble.transport import open_transport

from dsp.records import ClockRow, Site
from firmware_sim.host import host_on
from firmware_sim.sim_clock import ScaledClock
from firmware_sim.sock import SockConfig
from firmware_sim.sock_process import (
    ProcessConfig,
    SockProcessError,
    SockSpec,
    load_samples,
    save_samples,
    sock_process,
)
from ingest.bumble_backend import make_backend
from ingest.finder import Finder
from ingest.sock_codec import Start, Stop
from ingest.stream import SockStream
from lullwatch.gateway import Gateway, Radio, Sensor, Wearer
from store.journal import Journal
from tests.radio_rig import Listener, noise

PACE = 20.0
SECONDS = 40.0
PACKETS = 300
LIMIT_S = 60.0


def config_in(folder, clock, names=("LA", "RA", "TR"), seconds=SECONDS):
    socks = []
    for number, name in enumerate(names, start=1):
        samples = folder / f"{name}.npz"
        save_samples(samples, noise(seconds, seed=number, t0_ns=clock.origin_ns))
        config = SockConfig(address=f"F0:00:00:00:01:{number:02X}", seed=number, samples_at_power_on=True)
        socks.append(SockSpec(name=name, samples=str(samples), config=config))
    return ProcessConfig(
        socket=str(folder / "hci"),
        socks=socks,
        pace=clock.pace,
        origin_ns=clock.origin_ns,
        m0_ns=clock.m0_ns,
        ledger=str(folder / "ledger.json"),
    )


async def listen(config, client_cls, scanner_cls):
    listeners = {}
    for spec in config.socks:
        address = spec.config.address
        found = await BleakScanner.find_device_by_address(address, timeout=LIMIT_S, backend=scanner_cls)
        client = BleakClient(found, backend=client_cls)
        await client.connect()
        listeners[spec.name] = await Listener(client).subscribe()
    return listeners


async def until(condition):
    async with asyncio.timeout(LIMIT_S):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in another process
            await asyncio.sleep(0.02)


async def test_three_socks_stream_from_another_process(tmp_path):
    clock = ScaledClock(pace=PACE)
    config = config_in(tmp_path, clock, seconds=10_000.0)
    async with sock_process(config, tmp_path), await open_transport(f"unix:{config.socket}") as line:
        host = await host_on(*line)
        listeners = await listen(config, *make_backend(host))
        for listener in listeners.values():
            await listener.ask(Start())
        await until(lambda: all(len(listener.packets) > 300 for listener in listeners.values()))
        for listener in listeners.values():
            await listener.ask(Stop())
        for listener in listeners.values():
            await listener.client.disconnect()
        await host.power_off()
    ledger = msgspec.json.decode((tmp_path / "ledger.json").read_bytes())
    for name, listener in listeners.items():
        arrived = [[p.boot, p.seq] for p in listener.packets]
        assert arrived == ledger[name][-len(arrived) :]
        assert listener.damaged == 0


def gateway_over(host, journal, clock, config):
    client_cls, scanner_cls = make_backend(host)
    finder = Finder(partial(BleakScanner, backend=scanner_cls))
    sensors = tuple(Sensor(Site(s.name), s.name.lower(), s.config.address) for s in config.socks)
    return Gateway(
        name="two-processes",
        journal=journal,
        clock=clock,
        clock_row=ClockRow(clock.now_ns(), 1_767_290_400_000_000_000, "scaled", "UTC"),
        wearers=[Wearer("kid", sensors)],
        radio=Radio(finder.find, partial(BleakClient, backend=client_cls), finder.rssi),
    )


@pytest.fixture
def confirmed(monkeypatch):
    """By site, the newest (boot, seq) that its sock was told it may forget."""
    newest = {}
    plain = SockStream.confirmed

    def noting(stream, confirm):
        newest[stream.site] = max(newest.get(stream.site, (0, 0)), (confirm.boot, confirm.seq))
        plain(stream, confirm)

    monkeypatch.setattr(SockStream, "confirmed", noting)
    return newest


def journalled(journal):
    """By site, (boot, seq) of every packet in the journal."""
    kept = {}
    for packet in journal.packets("kid"):
        kept.setdefault(packet.site, []).append((packet.boot, packet.seq))
    return kept


async def test_every_packet_that_three_socks_made_reaches_the_journal_of_a_gateway_in_another_process(
    tmp_path, confirmed
):
    clock = ScaledClock(pace=PACE, origin_ns=7_000_000_000)
    config = config_in(tmp_path, clock, seconds=10_000.0)
    with Journal.open(tmp_path / "night.sqlite") as journal:
        async with sock_process(config, tmp_path), await open_transport(f"unix:{config.socket}") as line:
            host = await host_on(*line)
            gateway = gateway_over(host, journal, clock, config)
            async with gateway:
                await until(lambda: all(link.stream.counts.received > PACKETS for link in gateway.links))
            await host.power_off()
        kept = journalled(journal)
    ledger = msgspec.json.decode((tmp_path / "ledger.json").read_bytes())
    assert set(kept) == set(confirmed) == {Site(name) for name in ledger} == {Site.LA, Site.RA, Site.TR}
    for name, packets in ledger.items():
        made, arrived = [tuple(packet) for packet in packets], kept[Site(name)]
        assert len(set(arrived)) == len(arrived)
        assert set(arrived) <= set(made)
        due = made[: made.index(confirmed[Site(name)]) + 1]
        assert len(due) > PACKETS / 2
        assert set(due) <= set(arrived)


async def test_a_gateway_that_vanished_finds_its_socks_again(tmp_path):
    clock = ScaledClock(pace=PACE)
    config = config_in(tmp_path, clock, names=("LA",))
    async with sock_process(config, tmp_path):
        async with await open_transport(f"unix:{config.socket}") as line:
            lost = await listen(config, *make_backend(await host_on(*line)))
        async with await open_transport(f"unix:{config.socket}") as line:
            found = await listen(config, *make_backend(await host_on(*line)))
            await until(lambda: len(found["LA"].packets) > 20)
            await found["LA"].client.disconnect()
        assert lost["LA"].damaged == 0


async def test_samples_survive_the_way_through_a_file(tmp_path):
    source = noise(3, seed=5, t0_ns=17)
    save_samples(tmp_path / "x.npz", source)
    read = load_samples(tmp_path / "x.npz")
    assert np.array_equal(read.counts, source.counts)
    assert (read.runs, read.scale) == (source.runs, source.scale)


async def test_a_process_that_cannot_start_says_why(tmp_path):
    config = ProcessConfig(
        socket=str(tmp_path / "hci"),
        socks=[SockSpec("LA", str(tmp_path / "absent.npz"), SockConfig(address="F0:00:00:00:01:01"))],
    )
    with pytest.raises(SockProcessError, match=r"absent\.npz"):
        async with sock_process(config, tmp_path):
            pass
