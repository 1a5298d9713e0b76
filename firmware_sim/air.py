"""The air: virtual Bluetooth controllers that hear each other, with ranges and fades.

Bumble's own virtual controller is forgiving where real ones are strict. What is put right here and in
`air_controller`, on top of Bumble 0.0.236, each with a test that shows the fault on the stock controller:

* Create Connection Cancel ends the pending attempt (stock: no-op, connecting to an absent device hangs);
* HCI Reset drops links, scanning, advertising (stock: nothing, a restarted host finds every sock taken);
* ACL packets of 251 bytes (stock: 27, five times slower);
* data carries the address the link was made with (stock: always the random one);
* scan responses are reported as such, duplicates filtered on request (stock: advertising data twice);
* Enhanced Connection Complete where the host has unmasked it;
* radio range: `Air.set_reachable`; out of range, data waits in the sender's buffers and the link ends
  with reason 0x08 after its supervision timeout.

Advertising and supervision run on the injected clock. Air time is zero: what is sent arrives in the
same instant.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

from bumble import controller as stock
from bumble import core, hci, ll
from bumble import link as stock_link

from dsp.clock import Clock
from firmware_sim.air_controller import AirController
from firmware_sim.sim_clock import ScaledClock

__all__ = ["Air", "AirController", "NoSuchControllerError"]

_QUIET_SPINS = 8
"""Idle turns of the loop that count as settled: an answer under asyncio.wait_for takes five to act on."""

_SUPERVISION_UNIT_S = 0.01


class NoSuchControllerError(LookupError):
    """A name that no controller on the air bears."""

    def __init__(self, name: str, known: list[str]) -> None:
        super().__init__(f"no controller named {name!r} on the air; there are: {', '.join(known) or 'none'}")


class _Fade:
    """Two controllers out of each other's range, and what waits to be said."""

    def __init__(self) -> None:
        self.held: list[Callable[[], None]] = []
        self.tasks: list[asyncio.Task[None]] = []


class Air(stock_link.LocalLink):
    """The radio medium all controllers of one simulation share.

    Args:
        clock: paces advertising and supervision timeouts; real time when None.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Bumble leaves it without annotations
        self.clock: Clock = ScaledClock() if clock is None else clock
        self._named: dict[str, AirController] = {}
        self._fades: dict[frozenset[str], _Fade] = {}
        self._supervision_s: dict[tuple[hci.Address, hci.Address], float] = {}
        self._routes: dict[tuple[str, hci.Address], tuple[AirController, hci.Address] | None] = {}
        self._in_flight = 0

    def controller(self, name: str, *, public_address: str | None = None) -> AirController:
        """Make a controller; `name` is how `set_reachable` speaks of it."""
        made = AirController(name, air=self, public_address=public_address)
        self._named[name] = made
        return made

    def close(self) -> None:
        """End every timer of the air."""
        for controller in self._named.values():
            controller.le_legacy_advertiser.stop()
        for fade in self._fades.values():
            for task in fade.tasks:
                task.cancel()

    @property
    def in_flight(self) -> int:
        """Packets that are under way between a host, its controller and the air in this instant."""
        return self._in_flight

    async def settle(self) -> None:
        """Wait until nothing is on its way any more: the settle hook of `SimClock`."""
        quiet = 0
        while quiet < _QUIET_SPINS:
            await asyncio.sleep(0)
            quiet = 0 if self._in_flight else quiet + 1

    def post(self, deliver: Callable[..., Any], *args: object) -> None:
        """Deliver in a later turn of the loop, in order, and count it as under way until then."""
        self._in_flight += 1
        asyncio.get_running_loop().call_soon(self._deliver, deliver, args)

    def _deliver(self, deliver: Callable[..., Any], args: tuple[object, ...]) -> None:
        self._in_flight -= 1
        deliver(*args)

    # Range

    def set_reachable(self, a: str, b: str, reachable: bool, *, supervision_s: float | None = None) -> None:
        """Bring two controllers into or out of each other's range.

        Args:
            a: name of one controller.
            b: name of the other.
            reachable: False holds everything between them; if it lasts as long as the supervision timeout,
                their link ends on both sides with 0x08 and what was held is lost.
            supervision_s: seconds of data time; None takes what the central asked for when it connected.

        Raises:
            NoSuchControllerError: for an unknown name.
        """
        pair = frozenset((self._find(a).name, self._find(b).name))
        if reachable:
            self._rejoin(self._fades.pop(pair, None))
        elif pair not in self._fades:
            fade = self._fades[pair] = _Fade()
            fade.tasks = [
                asyncio.create_task(self._supervise(fade, one, connection, supervision_s))
                for one, connection in self._links(pair)
            ]

    def set_in_range(self, name: str, in_range: bool) -> None:
        """Bring a controller into or out of the range of all others. Raises `NoSuchControllerError`."""
        for other in self._named:
            if other != name:
                self.set_reachable(name, other, in_range)

    def _rejoin(self, fade: _Fade | None) -> None:
        if fade is None:
            return
        for task in fade.tasks:
            task.cancel()
        for say in fade.held:
            say()

    def _links(self, pair: frozenset[str]) -> list[tuple[AirController, stock.Connection]]:
        found = []
        for one in (self._named[name] for name in sorted(pair)):
            for connection in one.le_connections.values():
                route = self._route(one, connection.peer_address)
                if route is not None and route[0].name in pair:
                    found.append((one, connection))
        return found

    async def _supervise(
        self, fade: _Fade, one: AirController, connection: stock.Connection, supervision_s: float | None
    ) -> None:
        ends = (connection.self_address, connection.peer_address)
        agreed_s = self._supervision_s.get(ends) or self._supervision_s[ends[::-1]]
        await self.clock.sleep(agreed_s if supervision_s is None else supervision_s)
        fade.held.clear()
        one.lose(connection, hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR)
        self._routes.clear()

    def hold(self, sender: AirController, peer_address: hci.Address, say: Callable[[], None]) -> bool:
        """Keep `say` for later when the peer is out of range; False when it can be said now."""
        if not self._fades:
            return False
        route = self._route(sender, peer_address)
        fade = self._fades.get(frozenset((sender.name, route[0].name))) if route else None
        if fade is None:
            return False
        fade.held.append(say)
        return True

    def vanish(self, controller: AirController, connection: stock.Connection) -> None:
        """One end of a link is gone without a word; the other ends it with 0x08."""
        route = self._route(controller, connection.peer_address)
        del controller.le_connections[connection.peer_address]
        self._routes.clear()
        if route is not None and (theirs := route[0].le_connections.get(route[1])) is not None:
            route[0].lose(theirs, hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR)

    def poll(self, listener: AirController) -> None:
        """Let every advertiser in range be heard by one that has just begun to listen."""
        for controller in self._named.values():
            if controller is not listener and controller.le_legacy_advertiser.enabled:
                controller.le_legacy_advertiser.send_advertising_data()

    def _find(self, name: str) -> AirController:
        if name not in self._named:
            raise NoSuchControllerError(name, sorted(self._named))
        return self._named[name]

    def _in_range(self, one: AirController, other: AirController) -> bool:
        return frozenset((one.name, other.name)) not in self._fades

    # What controllers call

    def _route(
        self, sender: AirController, peer_address: hci.Address
    ) -> tuple[AirController, hci.Address] | None:
        """Receiving controller and the address it knows the sender by."""
        key = (sender.name, peer_address)
        if key not in self._routes:
            self._routes[key] = self._seek_route(sender, peer_address)
        return self._routes[key]

    def _seek_route(
        self, sender: AirController, peer_address: hci.Address
    ) -> tuple[AirController, hci.Address] | None:
        mine = sender.le_connections.get(peer_address)
        if mine is None:
            return None
        for controller in self._named.values():
            theirs = controller.le_connections.get(mine.self_address)
            if theirs is not None and theirs.self_address == peer_address:
                return controller, mine.self_address
        return None

    def send_acl_data(
        self,
        sender_controller: stock.Controller,
        destination_address: hci.Address,
        transport: core.PhysicalTransport,
        data: bytes,
    ) -> None:
        """Carry one L2CAP fragment to the other end of the sender's link."""
        route = self._route(cast("AirController", sender_controller), destination_address)
        if route is not None:
            self.post(route[0].on_link_acl_data, route[1], transport, data)

    def send_advertising_pdu(self, sender_controller: stock.Controller, packet: ll.AdvertisingPdu) -> None:
        """Let every controller in range hear an advertisement or a connection request."""
        sender = cast("AirController", sender_controller)
        self._routes.clear()
        if isinstance(packet, ll.ConnectInd):
            ends = (packet.initiator_address, packet.advertiser_address)
            self._supervision_s[ends] = packet.timeout * _SUPERVISION_UNIT_S
        for controller in self._named.values():
            if controller is sender or not self._in_range(sender, controller):
                continue
            if isinstance(packet, ll.AdvInd):
                response = sender.le_legacy_advertiser.scan_response_data
                self.post(controller.on_advertisement, packet, response)
            else:
                self.post(controller.on_ll_advertising_pdu, packet)

    def send_ll_control_pdu(
        self, sender_address: hci.Address, receiver_address: hci.Address, packet: ll.ControlPdu
    ) -> None:
        """Carry one link-layer control PDU; into a link that is already gone it is lost, as on a radio."""
        for controller in self._named.values():
            mine = controller.le_connections.get(receiver_address)
            if mine is None or mine.self_address != sender_address:
                continue
            route = self._route(controller, receiver_address)
            if route is None:
                return

            def say(receiver: AirController = route[0]) -> None:
                self.post(receiver.on_ll_control_pdu, sender_address, packet)

            if not self.hold(controller, receiver_address, say):
                say()
            if isinstance(packet, ll.TerminateInd):
                self._routes.clear()
            return
