"""Blocking work that a program does not wait for when it ends."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import ParamSpec, TypeVar

__all__ = ["aside"]

_P = ParamSpec("_P")
_T = TypeVar("_T")


async def aside(work: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """What `work` gives, from a thread of its own; what it raises is raised here.

    Unlike a thread of `asyncio.to_thread` it keeps nobody: a network disk that is gone answers never, and whoever
    gave up on it can still end.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[_T] = loop.create_future()

    def tell(outcome: Callable[[], None]) -> None:
        if not answer.done():
            outcome()

    def run() -> None:
        try:
            found = work(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - it is raised where it is waited for
            outcome = partial(answer.set_exception, error)
        else:
            outcome = partial(answer.set_result, found)
        with suppress(RuntimeError):  # nobody waits any more: the loop is closed
            loop.call_soon_threadsafe(tell, outcome)

    threading.Thread(target=run, name="aside", daemon=True).start()
    return await answer
