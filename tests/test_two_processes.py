"""Socks in one process, the gateway in another, an HCI socket between."""

import asyncio
import sys
from functools import partial
from pathlib import Path

import msgspec
import numpy as np
import pytest
from bleak import BleakClient, BleakScanner
from bumble.transport import open_transport

from dsp.records import ClockRow, Site
from firmware_sim.crystal import Crystal
from firmware_sim.host import host_on
from firmware_sim.runs import Run
from firmware_sim.sim_clock import ScaledClock
from firmware_sim.sock import ArraySource, SockConfig
from firmware_sim.sock_process import (
    ProcessConfig,
    SockProcessError,
    SockSpec,
    load_samples,
    save_samples,
    sock_process,
    specs_in,
)
from firmware_sim.sock_remote import FaultRefusedError, send_fault
from firmware_sim.sock_script import SockFault
from ingest.bumble_backend import make_backend
from ingest.bumble_bonds import BumbleBonds
from ingest.finder import Finder
from ingest.sock_codec import STATUS_UUID, Start, Stop, decode_status
from ingest.stream import SockStream
from lullwatch.gateway import Gateway, Radio, Sensor, Wearer
from store.journal import Journal
from tests.radio_rig import Listener, noise

PACE = 20.0
SECONDS = 40.0
PACKETS = 300
LIMIT_S = 60.0


def config_in(folder, clock, names=("LA", "RA", "TR"), seconds=SECONDS):
    heard = {name: noise(seconds, seed=n, t0_ns=clock.origin_ns) for n, name in enumerate(names, start=1)}
    return ProcessConfig(
        socket=str(folder / "hci"),
        socks=specs_in(folder, heard),
        pace=clock.pace,
        origin_ns=clock.origin_ns,
        m0_ns=clock.m0_ns,
        ledger=str(folder / "ledger.json"),
    )


async def listen(config, host):
    client_cls, scanner_cls = make_backend(host)
    bonds, listeners = BumbleBonds(host, host.keystore), {}
    for spec in config.socks:
        address = spec.config.address
        found = await BleakScanner.find_device_by_address(address, timeout=LIMIT_S, backend=scanner_cls)
        client = BleakClient(found, backend=client_cls)
        await client.connect()
        await bonds.secure(client, spec.name)
        listeners[spec.name] = await Listener(client).subscribe()
    return listeners


async def until(condition):
    async with asyncio.timeout(LIMIT_S):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in another process
            await asyncio.sleep(0.02)


STARTER = """
import asyncio, sys
from pathlib import Path
import msgspec
from firmware_sim.sock_process import ProcessConfig, sock_process

async def main(folder):
    config = msgspec.json.decode((folder / "config.json").read_bytes(), type=ProcessConfig)
    async with sock_process(config, folder):
        print("listens", flush=True)
        await asyncio.sleep(600)

asyncio.run(main(Path(sys.argv[1])))
"""


async def test_the_socks_end_with_whoever_started_them_killed_or_not(tmp_path):
    config = config_in(tmp_path, ScaledClock(pace=PACE), names=("LA",))
    (tmp_path / "config.json").write_bytes(msgspec.json.encode(config))
    starter = await asyncio.create_subprocess_exec(
        sys.executable, "-c", STARTER, str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    assert await starter.stdout.readline() == b"listens\n"
    starter.kill()
    await starter.wait()
    await until(lambda: Path(config.ledger).exists())  # the last thing they do
    await until(lambda: not Path(config.socket).exists())


async def test_three_socks_stream_from_another_process(tmp_path):
    clock = ScaledClock(pace=PACE)
    config = config_in(tmp_path, clock, seconds=10_000.0)
    async with sock_process(config, tmp_path), await open_transport(f"unix:{config.socket}") as line:
        host = await host_on(*line)
        listeners = await listen(config, host)
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


async def test_faults_happen_in_the_other_process_by_script_and_by_word_from_here(tmp_path):
    clock = ScaledClock(pace=PACE)
    plan = config_in(tmp_path, clock, names=("LA",), seconds=10_000.0)
    control = tmp_path / "control"
    script = (SockFault("LA", "overrun", at_s=1.0, count=40),)
    config = msgspec.structs.replace(plan, control=str(control), faults=script)
    async with sock_process(config, tmp_path), await open_transport(f"unix:{config.socket}") as line:
        host = await host_on(*line)
        listener = (await listen(config, host))["LA"]
        await until(lambda: len(listener.packets) > 60)
        await send_fault(control, SockFault("LA", "corrupt", count=3))
        await send_fault(control, SockFault("LA", "duplicate", count=2))
        await until(lambda: listener.damaged == 3 and len(set(listener.seqs)) == len(listener.seqs) - 2)
        status = decode_status(await listener.client.read_gatt_char(STATUS_UUID))
        assert status.held.newest - status.held.oldest == 39
        with pytest.raises(FaultRefusedError, match="no sock named 'XX' here; there are: LA"):
            await send_fault(control, SockFault("XX", "lose"))
        with pytest.raises(FaultRefusedError, match="Invalid enum value 'melt'"):
            await send_fault(control, SockFault("LA", "melt"))
        await send_fault(control, SockFault("LA", "battery"))
        await until(lambda: not listener.client.is_connected)
        await host.power_off()
    assert not control.exists()


async def test_a_process_told_of_faults_in_a_sock_it_has_not_does_not_start(tmp_path):
    plan = config_in(tmp_path, ScaledClock(pace=PACE), names=("LA",), seconds=10.0)
    config = msgspec.structs.replace(plan, faults=(SockFault("RA", "lose"),))
    with pytest.raises(SockProcessError, match="no sock named 'RA' here"):
        async with sock_process(config, tmp_path):
            pass


async def test_a_track_with_its_restarts_and_its_clock_survives_the_way_through_a_file(tmp_path):
    plain = noise(3, seed=5)
    runs = (Run(0, 17, 9.5e6, 4_000_000_000), Run(100, 2_000_000_000, 9.6e6, 5))
    crystal = Crystal(np.array([0, 9]), np.array([0.0, 0.5]), ((3, -1.5), (7, 2.0)))
    source = ArraySource(plain.counts, plain.clipped, plain.scale, runs, crystal)
    save_samples(tmp_path / "x.npz", source)
    read = load_samples(tmp_path / "x.npz")
    assert read.runs == runs
    assert read.crystal.jumps == crystal.jumps
    assert [read.crystal.ahead(t) for t in (0, 4, 9)] == [crystal.ahead(t) for t in (0, 4, 9)]


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
        radio=Radio(
            finder.find,
            partial(BleakClient, backend=client_cls),
            finder.rssi,
            BumbleBonds(host, host.keystore),
        ),
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
    config = config_in(tmp_path, clock, names=("LA",), seconds=10_000.0)
    async with sock_process(config, tmp_path):
        async with await open_transport(f"unix:{config.socket}") as line:
            lost = await listen(config, await host_on(*line))
        async with await open_transport(f"unix:{config.socket}") as line:
            found = await listen(config, await host_on(*line))
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
