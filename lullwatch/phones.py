"""Phones without Home Assistant, as the settings say: push services, and the page their acknowledge links lead to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

from alerts.links import Links
from dsp.clock import Clock

from .ack_page import AckPage
from .caregiving import Caregiving
from .push_channels import push_channels
from .settings import GatewaySettings

__all__ = ["Phones"]


class Phones:
    """The push channels of a gateway, and its page while it runs.

    Args:
        settings: of the gateway.

    Raises:
        BadPush: an address is missing or wrong, or apprise is not installed.
        BadSettings, SecretTooOpen: a file with an address cannot be used.
    """

    def __init__(self, settings: GatewaySettings) -> None:
        self._page = settings.ack_page
        self._words = settings.wording.catalogue
        self._care: Caregiving | None = None
        self._links = None if self._page is None else Links(self._page.reachable_url, self._is_open)
        link_of = None if self._links is None else self._links.made_for
        self.channels = push_channels(settings.push, link_of=link_of)

    @asynccontextmanager
    async def page(
        self, care: Caregiving | None, clock: Clock, say: Callable[[str], None] = lambda _: None
    ) -> AsyncIterator[None]:
        """Serve the page where one is configured; `say` is told why it cannot be, and "" once it is."""
        self._care = care
        if self._links is None or self._page is None or care is None:
            yield
            return
        host, port = self._page.host, self._page.port
        async with AckPage(
            self._links,
            partial(care.on_command, channel="page"),
            self._words,
            clock=clock,
            host=host,
            port=port,
            say=say,
        ):
            yield

    def _is_open(self, alert_id: str) -> bool:
        care = self._care
        return care is not None and any(alert.id == alert_id for alert in care.machine.open_alerts())
