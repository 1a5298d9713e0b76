"""A virtual Bluetooth LE controller that does what real ones do where Bumble's stock one does not.

Made by `firmware_sim.air.Air.controller`; what is put right is listed there.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, cast

from bumble import controller as stock
from bumble import hci, ll

if TYPE_CHECKING:
    from firmware_sim.air import Air

__all__ = ["AirController"]

_log = logging.getLogger(__name__)

_LE_ACL_BYTES = 251
"""Largest LE data PDU (Core 5.4, Vol 6 Part B 4.5.10): one notification of 244 bytes travels whole."""

_ENHANCED_UNMASKED = 1 << 9
"""LE event mask bit of Enhanced Connection Complete (Core 5.4, Vol 4 Part E 7.8.1)."""

_RSSI_DBM = -50
_ADV_SLOT_S = 0.000625

_ReportType = hci.HCI_LE_Advertising_Report_Event.EventType


class _ClockedAdvertiser(stock.LegacyAdvertiser):
    """Advertises at its interval of data time, the first time at once."""

    _task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self.stop()
        if not cast("AirController", self.controller).powered:
            return
        self.enabled = True
        self._task = asyncio.create_task(self._advertise())

    def stop(self) -> None:
        self.enabled = False
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _advertise(self) -> None:
        air = cast("AirController", self.controller).air
        while self.enabled:
            self.send_advertising_data()
            await air.clock.sleep(self.advertising_interval_min * _ADV_SLOT_S)


class AirController(stock.Controller):
    """A virtual controller on the `Air` that behaves as a Bluetooth 4.2 LE chip does."""

    le_acl_data_packet_length = _LE_ACL_BYTES
    supported_max_tx_octets = _LE_ACL_BYTES
    supported_max_rx_octets = _LE_ACL_BYTES
    # Without extended advertising hosts use the legacy commands, which are the ones modelled faithfully here.
    le_features = stock.Controller.le_features & ~(
        hci.LeFeatureMask.LE_EXTENDED_ADVERTISING | hci.LeFeatureMask.LE_PERIODIC_ADVERTISING
    )

    def __init__(self, name: str, *, air: Air, public_address: str | None = None) -> None:
        self.air = air
        self.slots: int | None = None
        """how many connections it holds at once; None: any number"""
        self.powered = True
        """without power it advertises nothing, whatever its host asks for"""
        super().__init__(name, link=air, public_address=public_address)
        self.le_legacy_advertiser = _ClockedAdvertiser(self)
        self._reported: set[tuple[hci.Address, bytes, int]] = set()

    # Host to controller

    def on_packet(self, packet: bytes) -> None:
        """Take one HCI packet from the host; skips the stock version's costly log text."""
        parsed = hci.HCI_Packet.from_bytes(packet)
        if isinstance(parsed, hci.HCI_AclDataPacket):
            self.on_hci_acl_data_packet(parsed)
        else:
            self.on_hci_packet(parsed)

    def on_hci_acl_data_packet(self, packet: hci.HCI_AclDataPacket) -> None:
        """Send data on, or hold it, uncompleted, while the peer is out of range."""
        connection = self.find_connection_by_handle(packet.connection_handle)
        if connection is None:
            _log.debug("%s: data for closed handle %s", self.name, packet.connection_handle)
            return
        if not self.air.hold(self, connection.peer_address, lambda: self.on_hci_acl_data_packet(packet)):
            connection.on_hci_acl_data_packet(packet)

    def on_hci_reset_command(self, _command: hci.HCI_Reset_Command) -> hci.HCI_StatusReturnParameters:
        """Core 5.4, Vol 4 Part E 7.3.2: all links and all activity end; the host hears no event of it."""
        for connection in list(self.le_connections.values()):
            self.air.vanish(self, connection)
        self.pending_le_connection = None
        self.le_scan_enable = False
        self.le_event_mask = 0
        self.le_legacy_advertiser.stop()
        return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.SUCCESS)

    def on_hci_le_create_connection_command(self, command: hci.HCI_LE_Create_Connection_Command) -> None:
        """Start connecting; whoever advertises just now is heard at once. Without a free slot it refuses (0x09)."""
        if self.slots is not None and len(self.le_connections) >= self.slots:
            full = hci.HCI_ErrorCode.CONNECTION_LIMIT_EXCEEDED_ERROR
            self._send_hci_command_status(full, command.op_code)
            return
        super().on_hci_le_create_connection_command(command)
        self.air.poll(self)

    def on_hci_le_create_connection_cancel_command(
        self, _command: hci.HCI_LE_Create_Connection_Cancel_Command
    ) -> hci.HCI_StatusReturnParameters:
        """Core 5.4, Vol 4 Part E 7.8.13: Command Complete, then Connection Complete with status 0x02."""
        pending, self.pending_le_connection = self.pending_le_connection, None
        if pending is None:
            return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.COMMAND_DISALLOWED_ERROR)
        self.air.post(self._connection_cancelled, pending.peer_address)
        return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.SUCCESS)

    def _connection_cancelled(self, peer_address: hci.Address) -> None:
        self.send_hci_packet(
            hci.HCI_LE_Connection_Complete_Event(
                status=hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR,
                connection_handle=0,
                role=hci.Role.CENTRAL,
                peer_address_type=peer_address.address_type,
                peer_address=peer_address,
                connection_interval=0,
                peripheral_latency=0,
                supervision_timeout=0,
                central_clock_accuracy=0,
            )
        )

    def on_hci_le_set_scan_enable_command(
        self, command: hci.HCI_LE_Set_Scan_Enable_Command
    ) -> hci.HCI_StatusReturnParameters:
        """Start or stop scanning; whoever advertises just now is heard at once."""
        result = super().on_hci_le_set_scan_enable_command(command)
        self._reported.clear()
        if self.le_scan_enable:
            self.air.poll(self)
        return result

    # Controller to host

    def send_hci_packet(self, packet: hci.HCI_Packet) -> None:
        """Hand a packet to the host in a later turn of the loop."""
        if isinstance(packet, hci.HCI_LE_Connection_Complete_Event) and (
            self.le_event_mask & _ENHANCED_UNMASKED
        ):
            packet = self._enhanced(packet)
        if self.host:
            self.air.post(self.host.on_packet, bytes(packet))

    def _enhanced(
        self, event: hci.HCI_LE_Connection_Complete_Event
    ) -> hci.HCI_LE_Enhanced_Connection_Complete_Event:
        return hci.HCI_LE_Enhanced_Connection_Complete_Event(
            status=event.status,
            connection_handle=event.connection_handle,
            role=event.role,
            peer_address_type=event.peer_address_type,
            peer_address=event.peer_address,
            local_resolvable_private_address=hci.Address.ANY,
            peer_resolvable_private_address=hci.Address.ANY,
            connection_interval=event.connection_interval,
            peripheral_latency=event.peripheral_latency,
            supervision_timeout=event.supervision_timeout,
            central_clock_accuracy=event.central_clock_accuracy,
        )

    # Air to controller

    def on_advertisement(self, pdu: ll.AdvInd, scan_response: bytes) -> None:
        """Report an advertiser to the host if it scans, and connect if it is the one waited for."""
        if self.le_scan_enable:
            self._report(pdu.advertiser_address, pdu.data, _ReportType.ADV_IND)
            if self.le_scan_type:
                self._report(
                    pdu.advertiser_address,
                    scan_response,
                    _ReportType.SCAN_RSP,
                )
        pending = self.pending_le_connection
        if pending is not None and pending.peer_address == pdu.advertiser_address:
            self.create_le_connection(pdu.advertiser_address)

    def _report(self, address: hci.Address, data: bytes, event_type: int) -> None:
        key = (address, data, event_type)
        if self.filter_duplicates and key in self._reported:
            return
        self._reported.add(key)
        report = hci.HCI_LE_Advertising_Report_Event.Report(
            event_type=event_type,
            address_type=address.address_type,
            address=address,
            data=data,
            rssi=_RSSI_DBM,
        )
        self.send_hci_packet(hci.HCI_LE_Advertising_Report_Event([report]))

    def lose_all(self) -> None:
        """End every link on both sides with 0x08, as when this end has fallen silent."""
        for connection in list(self.le_connections.values()):
            self.air.vanish(self, connection)
            self.send_hci_packet(
                hci.HCI_Disconnection_Complete_Event(
                    status=hci.HCI_ErrorCode.SUCCESS,
                    connection_handle=connection.handle,
                    reason=hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR,
                )
            )

    def lose_power(self) -> None:
        """Fall silent: links end as in `lose_all`, and it is not heard until `powered` is set again."""
        self.powered = False
        self.le_legacy_advertiser.stop()
        self.lose_all()

    def lose(self, connection: stock.Connection, reason: int) -> None:
        """End a link of which nothing is heard any more."""
        if self.le_connections.get(connection.peer_address) is connection:
            self.on_le_disconnected(connection, reason)
