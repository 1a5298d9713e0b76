"""Ordinary bleak code over a Bumble host, on the real HCI, L2CAP and ATT layers."""

import asyncio

import pytest
from bleak import BleakClient, BleakScanner
from bleak.exc import BleakDeviceNotFoundError, BleakError, BleakGATTProtocolError
from bumble import att, hci

from ingest.bumble_backend import LinkDroppedError, NotConnectedError
from ingest.sock_codec import (
    BATTERY_LEVEL_UUID,
    CONTROL_UUID,
    DATA_UUID,
    FIRMWARE_REVISION_UUID,
    SERVICE_UUID,
    STATUS_UUID,
    Start,
    decode_status,
)
from tests.radio_rig import Listener, radio_rig


async def test_a_sock_is_found_by_its_service_with_its_name():
    async with radio_rig() as rig:
        sock = await rig.sock()
        found = await rig.drive(
            BleakScanner.find_device_by_filter(
                lambda _, data: SERVICE_UUID in data.service_uuids and data.local_name is not None,
                timeout=20,
                backend=rig.scanner_cls,
            )
        )
        assert found is not None
        assert (found.address, found.name) == (sock.config.address, "lullwatch sock")


async def test_a_scanner_for_another_service_sees_nothing():
    async with radio_rig() as rig:
        await rig.sock()
        async with BleakScanner(service_uuids=[BATTERY_LEVEL_UUID], backend=rig.scanner_cls) as scanner:
            await rig.run(2)
            assert scanner.discovered_devices == []


async def test_a_second_scanner_is_told_to_share_the_first():
    async with radio_rig() as rig, BleakScanner(backend=rig.scanner_cls):
        with pytest.raises(BleakError, match="one scanner"):
            await BleakScanner(backend=rig.scanner_cls).start()


async def test_a_scan_that_was_given_up_while_it_began_stands_in_no_ones_way(monkeypatch: pytest.MonkeyPatch):
    async with radio_rig() as rig:
        sock = await rig.sock()
        device = rig.device
        begin = device.start_scanning

        async def begin_and_not_hear_of_it(**options: object) -> None:
            await begin(**options)
            device.scanning = False
            await asyncio.Event().wait()

        with monkeypatch.context() as patch:
            patch.setattr(device, "start_scanning", begin_and_not_hear_of_it)
            begins = asyncio.ensure_future(BleakScanner(backend=rig.scanner_cls).start())
            await rig.run(0.1)
            begins.cancel()
            await asyncio.gather(begins, return_exceptions=True)
        found = await rig.drive(
            BleakScanner.find_device_by_address(sock.config.address, timeout=20, backend=rig.scanner_cls)
        )
        assert found is not None


async def test_a_scan_whose_end_was_given_up_stands_in_no_ones_way(monkeypatch: pytest.MonkeyPatch):
    async with radio_rig() as rig:
        sock = await rig.sock()
        scanner = BleakScanner(backend=rig.scanner_cls)
        await scanner.start()
        with monkeypatch.context() as patch:
            patch.setattr(rig.device, "stop_scanning", asyncio.Event().wait)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(scanner.stop(), 0.05)
        found = await rig.drive(
            BleakScanner.find_device_by_address(sock.config.address, timeout=20, backend=rig.scanner_cls)
        )
        assert found is not None


async def test_a_connection_has_a_large_mtu_and_every_service():
    async with radio_rig() as rig:
        client = await rig.client(await rig.sock())
        assert client.mtu_size >= 247
        properties = {
            uuid: sorted(client.services.get_characteristic(uuid).properties)
            for uuid in (DATA_UUID, CONTROL_UUID, STATUS_UUID)
        }
        assert properties == {
            DATA_UUID: ["notify"],
            CONTROL_UUID: ["indicate", "write"],
            STATUS_UUID: ["notify", "read"],
        }
        assert client.services.get_characteristic(DATA_UUID).max_write_without_response_size >= 244


async def test_values_are_read():
    async with radio_rig() as rig:
        sock = await rig.sock(firmware=(2, 7, 1))
        client = await rig.client(sock)
        assert await client.read_gatt_char(FIRMWARE_REVISION_UUID) == b"2.7.1"
        assert await client.read_gatt_char(BATTERY_LEVEL_UUID) == bytes([100])
        assert decode_status(await client.read_gatt_char(STATUS_UUID)).boot == sock.boot


async def test_descriptors_are_read():
    async with radio_rig() as rig:
        client = await rig.client(await rig.sock())
        cccd = client.services.get_characteristic(DATA_UUID).get_descriptor(
            "00002902-0000-1000-8000-00805f9b34fb"
        )
        assert await client.read_gatt_descriptor(cccd.handle) == b"\x00\x00"
        await client.start_notify(DATA_UUID, lambda *_: None)
        assert await client.read_gatt_descriptor(cccd.handle) == b"\x01\x00"
        await client.stop_notify(DATA_UUID)
        assert await client.read_gatt_descriptor(cccd.handle) == b"\x00\x00"


async def test_after_stop_notify_nothing_arrives():
    async with radio_rig() as rig:
        sock = await rig.sock()
        listener = await Listener(await rig.client(sock)).subscribe()
        await listener.ask(Start())
        await rig.run(2)
        await listener.client.stop_notify(DATA_UUID)
        arrived = len(listener.packets)
        await rig.run(2)
        assert arrived > 5
        assert len(listener.packets) == arrived
        await listener.client.start_notify(DATA_UUID, lambda *_: listener.packets.append(None))
        await rig.run(2)
        assert len(listener.packets) > arrived


async def test_an_attribute_error_has_its_code():
    async with radio_rig() as rig:
        client = await rig.client(await rig.sock())
        with pytest.raises(BleakGATTProtocolError) as caught:
            await client.read_gatt_char(CONTROL_UUID)
        assert caught.value.code == 0x02


async def test_a_device_that_is_not_there_is_not_found_and_the_next_attempt_works():
    async with radio_rig() as rig:
        absent = BleakClient("F0:00:00:00:99:99", timeout=0.05, backend=rig.client_cls)
        with pytest.raises(BleakDeviceNotFoundError):
            await absent.connect()
        client = await rig.client(await rig.sock())
        assert client.is_connected


async def test_an_attempt_cancelled_from_outside_leaves_the_radio_free():
    async with radio_rig() as rig:
        sock = await rig.sock()
        absent = BleakClient("F0:00:00:00:99:99", backend=rig.client_cls)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(absent.connect(), 0.05)
        assert (await rig.client(sock)).is_connected


async def test_attempts_wait_for_one_another():
    async with radio_rig() as rig:
        socks = [await rig.sock(name) for name in ("LA", "RA", "TR")]
        clients = [BleakClient(s.config.address, backend=rig.client_cls) for s in socks]
        rig.clients += clients
        await asyncio.gather(*(client.connect() for client in clients))
        assert all(client.is_connected for client in clients)


async def test_the_disconnected_callback_runs_once_when_the_peer_ends_the_link():
    async with radio_rig() as rig:
        sock = await rig.sock()
        ended = []
        client = await rig.client(sock, disconnected_callback=ended.append)
        await sock.disconnect()
        await rig.air.settle()
        assert ended == [client]
        assert not client.is_connected


async def test_the_disconnected_callback_has_run_when_disconnect_returns():
    async with radio_rig() as rig:
        ended = []
        client = await rig.client(await rig.sock(), disconnected_callback=ended.append)
        await client.disconnect()
        assert ended == [client]


async def test_a_link_that_drops_during_a_read_is_an_error_and_not_a_cancellation():
    async with radio_rig() as rig:
        client = await rig.client(await rig.sock())
        rig.air.set_reachable("LA", "gateway", False)
        reads = [asyncio.create_task(client.read_gatt_char(STATUS_UUID)) for _ in range(3)]
        await rig.run(5)
        outcomes = await asyncio.gather(*reads, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [LinkDroppedError] * 3


async def test_a_read_that_is_cancelled_from_outside_is_cancelled():
    async with radio_rig() as rig:
        client = await rig.client(await rig.sock())
        rig.air.set_reachable("LA", "gateway", False)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.read_gatt_char(STATUS_UUID), 0.05)
        rig.air.set_reachable("LA", "gateway", True)
        await rig.air.settle()
        assert len(await client.read_gatt_char(STATUS_UUID)) == 45


async def test_without_a_link_the_error_says_so():
    async with radio_rig() as rig:
        client = await rig.client(await rig.sock())
        backend = client._backend
        characteristic = client.services.get_characteristic(STATUS_UUID)
        await client.disconnect()
        with pytest.raises(NotConnectedError, match="not connected"):
            await backend.read_gatt_char(characteristic)


async def test_a_write_without_response_that_does_not_fit_is_refused():
    async with radio_rig() as rig:
        client = await rig.client(await rig.sock())
        with pytest.raises(BleakError, match="write with response"):
            await client.write_gatt_char(CONTROL_UUID, bytes(600), response=False)


async def test_a_hundred_reconnections_leave_nothing_behind():
    async with radio_rig() as rig:
        sock = await rig.sock()
        found = await rig.find(sock.config.address)
        for number in range(100):
            client = BleakClient(found, backend=rig.client_cls)
            await client.connect()
            if number % 2:
                await sock.disconnect()
                await rig.air.settle()
            else:
                await client.disconnect()
        assert len(rig.device.connections) == 0
        assert len(asyncio.all_tasks()) < 10


async def test_a_response_that_comes_as_its_request_is_given_up_is_nobodys():
    async with radio_rig() as rig:
        client = await rig.client(await rig.sock())
        gatt = client._backend._connection.gatt_client
        reading = asyncio.create_task(client.read_gatt_char(BATTERY_LEVEL_UUID))
        while gatt.pending_response is None:  # noqa: ASYNC110 - Bumble tells nobody
            await asyncio.sleep(0)
        gatt.pending_response.cancel()  # as a request that is cancelled does, a turn of the loop before it is over
        gatt.on_gatt_pdu(att.ATT_Read_Response(attribute_value=bytes([7])))
        with pytest.raises(LinkDroppedError):
            await reading
        await rig.air.settle()
        assert await client.read_gatt_char(BATTERY_LEVEL_UUID) == bytes([100])


async def test_an_answer_to_a_command_that_was_given_up_is_not_taken_for_the_next_ones(
    monkeypatch: pytest.MonkeyPatch,
):
    async with radio_rig() as rig:
        host, device = rig.device.host, rig.device
        held: list[bytes] = []
        with monkeypatch.context() as patch:
            patch.setattr(host, "on_packet", held.append)
            given_up = asyncio.create_task(device.send_sync_command(hci.HCI_LE_Set_Scan_Enable_Command(0, 0)))
            await settle()
            given_up.cancel()
            asked = asyncio.create_task(device.send_sync_command(hci.HCI_Read_BD_ADDR_Command()))
            await settle()
        assert len(held) == 2
        for answer in held:
            host.on_packet(answer)
        assert isinstance(await asked, hci.HCI_Read_BD_ADDR_ReturnParameters)


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_an_answer_to_a_process_that_is_gone_is_nobodys(caplog: pytest.LogCaptureFixture):
    async with radio_rig() as rig:
        stale = hci.HCI_Command_Status_Event(
            status=0, num_hci_command_packets=1, command_opcode=hci.HCI_DISCONNECT_COMMAND
        )
        asked = asyncio.create_task(rig.device.send_sync_command(hci.HCI_Read_BD_ADDR_Command()))
        await asyncio.sleep(0)
        rig.device.host.on_packet(bytes(stale))
        assert isinstance(await asked, hci.HCI_Read_BD_ADDR_ReturnParameters)
        rig.device.host.on_packet(bytes(stale))
        assert not caplog.records
