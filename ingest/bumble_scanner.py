"""The scanner of the Bumble backend; `ingest.bumble_backend.make_backend` binds it to a host."""

from __future__ import annotations

import asyncio
from typing import Any

from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from bumble import core, hci
from bumble.device import Advertisement

from ingest.bumble_radio import AlreadyScanningError, FailedError, Radio, uuid_text

__all__ = ["BumbleScanner"]

_AD = core.AdvertisingData.Type
_SERVICE_LISTS = (
    (_AD.INCOMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS, 2),
    (_AD.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS, 2),
    (_AD.INCOMPLETE_LIST_OF_32_BIT_SERVICE_CLASS_UUIDS, 4),
    (_AD.COMPLETE_LIST_OF_32_BIT_SERVICE_CLASS_UUIDS, 4),
    (_AD.INCOMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS, 16),
    (_AD.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS, 16),
)
_SERVICE_DATA = (
    (_AD.SERVICE_DATA_16_BIT_UUID, 2),
    (_AD.SERVICE_DATA_32_BIT_UUID, 4),
    (_AD.SERVICE_DATA_128_BIT_UUID, 16),
)


_ANSWER_S = 1.0
"""Real seconds for a controller's answer to a command: milliseconds over any transport."""


class BumbleScanner(BaseBleakScanner):
    """bleak scanner on one Bumble host; use the subclass that `make_backend` returns."""

    _radio: Radio

    def __init__(
        self,
        detection_callback: Any,  # noqa: ANN401 - typed by bleak's base class
        service_uuids: list[str] | None,
        scanning_mode: str = "active",
        **kwargs: Any,  # noqa: ANN401, ARG002 - bleak's own signature: options of other backends
    ) -> None:
        super().__init__(detection_callback, service_uuids)
        self._active = scanning_mode == "active"

    async def start(self) -> None:
        """Begin to scan. Raises BleakError while another scanner of the same host is running."""
        device = self._radio.device
        # Not `is_scanning`: a host that was not heard out when a scan ended would count as scanning for ever.
        if device.listeners(device.EVENT_ADVERTISEMENT):
            raise AlreadyScanningError
        self.seen_devices = {}
        device.on(device.EVENT_ADVERTISEMENT, self._on_advertisement)
        beginning = asyncio.ensure_future(self._begin())
        try:
            await asyncio.shield(beginning)
        except (core.BaseBumbleError, hci.HCI_Error) as error:
            device.remove_listener(device.EVENT_ADVERTISEMENT, self._on_advertisement)
            raise FailedError(str(device.random_address), "scan", error) from error
        except asyncio.CancelledError:
            device.remove_listener(device.EVENT_ADVERTISEMENT, self._on_advertisement)
            await self._undo(beginning)
            raise

    async def _begin(self) -> None:
        device = self._radio.device
        # A start that was given up half-way may have left the controller scanning; then it takes no new one.
        await device.stop_scanning()
        await device.start_scanning(active=self._active)

    async def _undo(self, beginning: asyncio.Future[None]) -> None:
        """Bumble forgets which command an answer belongs to when nobody waits for it any more: so it is waited for."""
        done, _ = await asyncio.wait({beginning}, timeout=_ANSWER_S)
        if not done:
            beginning.cancel()
        elif beginning.exception() is None:
            await self._radio.device.stop_scanning()

    async def stop(self) -> None:
        """End the scan; a second call does nothing."""
        device = self._radio.device
        if self._on_advertisement not in device.listeners(device.EVENT_ADVERTISEMENT):
            return
        device.remove_listener(device.EVENT_ADVERTISEMENT, self._on_advertisement)
        await device.stop_scanning()

    def _on_advertisement(self, advertisement: Advertisement) -> None:
        data = _advertisement_data(advertisement)
        if not self.is_allowed_uuid(data.service_uuids):
            return
        address = advertisement.address.to_string(False)
        device = self.create_or_update_device(address, address, data.local_name, advertisement.address, data)
        self.call_detection_callbacks(device, data)


def _advertisement_data(advertisement: Advertisement) -> AdvertisementData:
    kinds = core.AdvertisingData.Type
    by_kind: dict[int, list[bytes]] = {}
    for kind, value in advertisement.data.ad_structures:
        by_kind.setdefault(int(kind), []).append(value)

    def values(*wanted: int) -> list[bytes]:
        return [value for kind in wanted for value in by_kind.get(int(kind), [])]

    names = values(kinds.COMPLETE_LOCAL_NAME, kinds.SHORTENED_LOCAL_NAME)
    power = values(kinds.TX_POWER_LEVEL)
    return AdvertisementData(
        local_name=names[0].decode("utf-8", "replace") if names else None,
        manufacturer_data={
            int.from_bytes(v[:2], "little"): v[2:] for v in values(kinds.MANUFACTURER_SPECIFIC_DATA)
        },
        service_data={
            uuid_text(core.UUID.from_bytes(value[:size])): value[size:]
            for kind, size in _SERVICE_DATA
            for value in values(kind)
        },
        service_uuids=[
            uuid_text(core.UUID.from_bytes(value[at : at + size]))
            for kind, size in _SERVICE_LISTS
            for value in values(kind)
            for at in range(0, len(value) - size + 1, size)
        ],
        tx_power=int.from_bytes(power[0][:1], "little", signed=True) if power else None,
        rssi=advertisement.rssi,
        platform_data=(advertisement,),
    )
