"""What is still being answered when the pages end is left behind in order: a word to the browser, one line logged."""

from __future__ import annotations

import asyncio
import logging

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Ending"]

_log = logging.getLogger(__name__)

_STARTS_ANEW = 503


class Ending:
    """ASGI middleware around everything else.

    Without it the server logs the whole stack of every answer that is not ready at the end, as if it were an error.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.has_begun = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on; what is cancelled once the end has begun is left behind."""
        has_answer = False

        async def noted(message: Message) -> None:
            nonlocal has_answer
            has_answer = True
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except asyncio.CancelledError:
            if not self.has_begun:
                raise
            _log.info("%s was not ready at the end; the page asks again", scope["path"])
            if scope["type"] == "http" and not has_answer:
                left = PlainTextResponse("the pages start anew", _STARTS_ANEW, {"retry-after": "3"})
                await left(scope, receive, send)
