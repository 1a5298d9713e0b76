"""The virtual radio: what Bumble's own controller gets wrong, and range.

Each corrected behaviour is one body that runs on both: right on the air, and with the fault on the stock
controller, so that a correction that is no longer needed shows.
"""

import asyncio
from contextlib import asynccontextmanager

import pytest
from bumble import core, hci
from bumble.controller import Controller
from bumble.device import Device, DeviceConfiguration, Peer
from bumble.host import Host
from bumble.link import LocalLink

from firmware_sim.air import Air, NoSuchControllerError
from ingest.sock_codec import Start
from tests.radio_rig import Listener, radio_rig

PATIENCE_S = 2.0
"""Real time after which something that never comes is called a fault."""


class _StockLink(LocalLink):
    def controller(self, name, public_address=None):
        return Controller(name, link=self, public_address=public_address)

    def close(self):
        for controller in self.controllers:
            controller.le_legacy_advertiser.stop()
            for advertising_set in controller.advertising_sets.values():
                advertising_set.stop()


async def _device(controller, address, **options):
    config = DeviceConfiguration(name="x", address=hci.Address(address), **options)
    device = Device(config=config, host=Host(controller, controller))
    await device.power_on()
    return device


@asynccontextmanager
async def _central_and_peer(link, **peer_options):
    """A central and an advertising peripheral on a link."""
    central = await _device(
        link.controller("central", public_address="00:11:22:33:44:55"), "F0:00:00:00:00:01"
    )
    peer = await _device(link.controller("peer"), "F0:00:00:00:00:02", **peer_options)
    await peer.start_advertising(auto_restart=True)
    try:
        yield central, peer
    finally:
        await peer.stop_advertising()
        link.close()


async def _connecting_to_an_absent_device_ends(link):
    async with _central_and_peer(link) as (central, peer):
        with pytest.raises(core.TimeoutError):
            await central.connect("F0:00:00:00:00:99", timeout=0.05)
        await central.connect(peer.random_address, timeout=PATIENCE_S)
        return True


async def _a_reset_host_frees_its_peers(link):
    async with _central_and_peer(link) as (central, peer):
        reasons = asyncio.Queue()
        peer.on("connection", lambda c: c.on("disconnection", reasons.put_nowait))
        await central.connect(peer.random_address)
        await central.host.reset()
        reason = await asyncio.wait_for(reasons.get(), PATIENCE_S)
        return reason == hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR


async def _a_full_notification_is_one_packet(link):
    async with _central_and_peer(link) as (central, _):
        return central.host.le_acl_packet_queue.max_packet_size == 251


async def _a_name_in_the_scan_response_is_seen(link):
    name = bytes(core.AdvertisingData([(core.AdvertisingData.Type.COMPLETE_LOCAL_NAME, b"rarely seen")]))
    async with _central_and_peer(link, scan_response_data=name, advertising_data=b"\x02\x01\x06") as (
        central,
        _,
    ):
        names = asyncio.Queue()
        kind = core.AdvertisingData.Type.COMPLETE_LOCAL_NAME
        central.on(
            "advertisement", lambda a: [names.put_nowait(v) for k, v in a.data.ad_structures if k == kind]
        )
        await central.start_scanning()
        try:
            async with asyncio.timeout(PATIENCE_S / 2):
                while await names.get() != b"rarely seen":
                    pass
        finally:
            await central.stop_scanning()
        return True


async def _data_passes_on_a_link_made_with_the_public_address(link):
    async with _central_and_peer(link) as (central, peer):
        connection = await central.connect(
            peer.random_address, own_address_type=hci.OwnAddressType.PUBLIC, timeout=PATIENCE_S
        )
        return await asyncio.wait_for(Peer(connection).request_mtu(247), PATIENCE_S / 2) == 247


async def _the_host_gets_the_connection_event_it_unmasked(link):
    async with _central_and_peer(link) as (central, peer):
        kinds = []
        take = central.host.on_hci_packet
        central.host.on_hci_packet = lambda packet: (kinds.append(type(packet)), take(packet))
        await central.connect(peer.random_address, timeout=PATIENCE_S)
        return hci.HCI_LE_Enhanced_Connection_Complete_Event in kinds


BEHAVIOURS = [
    _connecting_to_an_absent_device_ends,
    _a_reset_host_frees_its_peers,
    _a_full_notification_is_one_packet,
    _a_name_in_the_scan_response_is_seen,
    _data_passes_on_a_link_made_with_the_public_address,
    _the_host_gets_the_connection_event_it_unmasked,
]


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda b: b.__name__.strip("_"))
async def test_on_the_air(behaviour):
    assert await asyncio.wait_for(behaviour(Air()), 5 * PATIENCE_S)


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda b: b.__name__.strip("_"))
async def test_the_stock_controller_has_the_fault(behaviour):
    try:
        right = await asyncio.wait_for(behaviour(_StockLink()), PATIENCE_S)
    except TimeoutError:
        right = False
    assert not right


async def test_a_short_fade_loses_nothing_and_keeps_order():
    async with radio_rig() as rig:
        sock = await rig.sock()
        listener = await Listener(await rig.client(sock)).subscribe()
        await listener.ask(Start())
        await rig.run(2)
        rig.air.set_reachable("LA", "gateway", False)
        before = len(listener.seqs)
        await rig.run(3)
        assert len(listener.seqs) == before
        rig.air.set_reachable("gateway", "LA", True)
        await rig.run(2)
        assert listener.seqs == list(range(len(sock.sent)))
        assert sock.connected


async def test_a_long_fade_ends_the_link_on_both_sides_after_the_supervision_timeout():
    async with radio_rig() as rig:
        sock = await rig.sock()
        ended = []
        client = await rig.client(sock, disconnected_callback=lambda _: ended.append(rig.clock.now_ns()))
        rig.air.set_reachable("LA", "gateway", False)
        faded_ns = rig.clock.now_ns()
        await rig.run(3.9)
        assert client.is_connected
        assert sock.connected
        await rig.run(0.2)
        assert ended == [faded_ns + 4_000_000_000]
        assert not sock.connected


async def test_a_sock_out_of_range_is_not_found_and_is_found_again_when_it_comes_back():
    async with radio_rig() as rig:
        sock = await rig.sock()
        rig.air.set_reachable("LA", "gateway", False)
        heard = []
        scanner = rig.scanner_cls(lambda device, _: heard.append(device.address), None)
        await scanner.start()
        await rig.run(2)
        assert heard == []
        rig.air.set_reachable("LA", "gateway", True)
        await rig.run(1)
        await scanner.stop()
        assert sock.config.address in heard


async def test_only_the_pair_that_is_named_is_out_of_range():
    async with radio_rig() as rig:
        near, far = await rig.sock("LA"), await rig.sock("RA")
        one, other = await rig.client(near), await rig.client(far)
        rig.air.set_reachable("RA", "gateway", False, supervision_s=1.0)
        await rig.run(2)
        assert one.is_connected
        assert not other.is_connected


async def test_a_name_nobody_bears_is_named_with_those_that_exist():
    async with radio_rig() as rig:
        with pytest.raises(NoSuchControllerError, match=r"'XX'.*gateway"):
            rig.air.set_reachable("gateway", "XX", False)
