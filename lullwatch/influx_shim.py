"""A v2-write door in front of InfluxDB 1.x, for tests and the demo.

`influxdb-client` speaks `/api/v2/write`; InfluxDB 1.6 only knows `/write`. The shim renames parameters,
credentials and error bodies, and passes everything else through untouched. It runs in its own thread, for
synchronous code.

Not covered, because 1.x has nothing to map it to: Flux, buckets and organisations as objects, `/ready`.
"""

from __future__ import annotations

import asyncio
import io
import json
import logging
import re
import threading
from collections.abc import Mapping
from types import TracebackType

from aiohttp import ClientConnectionError, ClientSession, ClientTimeout, web

__all__ = ["InfluxShim", "ShimNotStartedError"]

_log = logging.getLogger(__name__)

_PRECISIONS = {"ns": "n", "us": "u", "ms": "ms", "s": "s"}
"""1.6 takes an unknown name such as `us` with 204 and stores nanoseconds: never pass one through."""
_CODES = {400: "invalid", 401: "unauthorized", 403: "forbidden", 404: "not found", 413: "request too large"}
_UNPROCESSABLE = 422
_UPSTREAM_TIMEOUT_S = 60.0
"""The engine answers writes in well under a second; a minute covers a busy test machine."""
_START_TIMEOUT_S = 10.0
_FAREWELL_S = 1.0
"""Clients of a test or a demo are of this same process: nobody needs longer to finish a request."""
_MAX_BODY_BYTES = 64 << 20
_BUCKET = re.compile(r"(?P<db>[^/]+)(?:/(?P<rp>[^/]+))?")


class ShimNotStartedError(Exception):
    """The shim's thread did not come up."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(
            f"the v2-write shim did not start on {host}:{port} within {_START_TIMEOUT_S:.0f} s; "
            f"is another program listening there?"
        )


class InfluxShim:
    """Serves the v2 write API on `host:port` and forwards to the 1.x server at `upstream`.

    Args:
        upstream: base URL of the 1.x server, without a slash at its end.
        host: loopback unless someone knows better.
        port: 0 chooses a free one; `url` tells it after `start()`.
    """

    def __init__(self, upstream: str, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self._upstream = upstream
        self._host = host
        self.port = port
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._up = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Base URL of the shim."""
        return f"http://{self._host}:{self.port}"

    def start(self) -> None:
        """Serve from a thread of its own.

        Raises:
            ShimNotStartedError: the port could not be had.
        """
        self._up.clear()
        self._thread = threading.Thread(target=self._thread_main, name="influx-shim", daemon=True)
        self._thread.start()
        if not self._up.wait(_START_TIMEOUT_S) or self._loop is None:
            raise ShimNotStartedError(self._host, self.port)

    def stop(self) -> None:
        """Stop serving; does nothing when not started."""
        if self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        if self._thread is not None:
            self._thread.join()
        self._thread = None

    def __enter__(self) -> InfluxShim:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _thread_main(self) -> None:
        try:
            asyncio.run(self._serve())
        except OSError:
            _log.exception("the v2-write shim cannot listen on %s:%d", self._host, self.port)
        finally:
            self._loop = None
            self._up.set()

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        async with ClientSession(
            auto_decompress=False, timeout=ClientTimeout(total=_UPSTREAM_TIMEOUT_S)
        ) as session:
            app = _application(session, self._upstream)
            # compressed bodies must reach the engine as they came
            runner = web.AppRunner(app, auto_decompress=False, access_log=None, shutdown_timeout=_FAREWELL_S)
            await runner.setup()
            try:
                site = web.TCPSite(runner, self._host, self.port)
                await site.start()
                self.port = int(runner.addresses[0][1])
                self._loop = asyncio.get_running_loop()
                self._up.set()
                await self._stop.wait()
            finally:
                await runner.cleanup()


def _application(session: ClientSession, upstream: str) -> web.Application:
    door = _Door(session, upstream)
    app = web.Application(client_max_size=_MAX_BODY_BYTES)
    app.router.add_post("/api/v2/write", door.write)
    app.router.add_get("/health", door.health)
    for path in ("/ping", "/query", "/write"):
        app.router.add_route("*", path, door.passed)
    return app


class _Door:
    """The request handlers, sharing one client session to the engine."""

    def __init__(self, session: ClientSession, upstream: str) -> None:
        self._session = session
        self._upstream = upstream

    async def write(self, request: web.Request) -> web.Response:
        """`/api/v2/write` as `/write`."""
        bucket = _BUCKET.fullmatch(request.query.get("bucket", ""))
        precision = _PRECISIONS.get(request.query.get("precision", "ns"))
        if bucket is None:
            return _fault(400, "the parameter bucket is missing or malformed")
        if precision is None:
            return _fault(400, f"unknown precision {request.query['precision']!r}; known: ns us ms s")
        params = {"db": bucket["db"], "precision": precision, **_credentials(request.headers)}
        if bucket["rp"]:
            params["rp"] = bucket["rp"]
        return await self._forward(request, "/write", params, keep=("Content-Encoding", "Content-Type"))

    async def health(self, _request: web.Request) -> web.Response:
        """`/health` from `/ping`."""
        try:
            async with self._session.get(f"{self._upstream}/ping") as answer:
                version = answer.headers.get("X-Influxdb-Version", "unknown")
        except (ClientConnectionError, TimeoutError):
            return web.json_response(
                {"name": "influxdb", "status": "fail", "message": "no answer"}, status=503
            )
        body = {
            "name": "influxdb",
            "status": "pass",
            "message": "ready for queries and writes",
            "version": version,
        }
        return web.json_response(body)

    async def passed(self, request: web.Request) -> web.Response:
        """A 1.x endpoint as it is, credentials in a `Token` header excepted."""
        params = {**request.query, **_credentials(request.headers)}
        keep: tuple[str, ...] = ("Content-Encoding", "Content-Type", "Accept", "Accept-Encoding")
        if "u" not in params and "Authorization" in request.headers:
            keep = (*keep, "Authorization")
        return await self._forward(request, request.path, params, keep=keep)

    async def _forward(
        self, request: web.Request, path: str, params: Mapping[str, str], *, keep: tuple[str, ...]
    ) -> web.Response:
        headers = {name: request.headers[name] for name in keep if name in request.headers}
        body = await request.read()
        # a file, because aiohttp warns of bodies over a mebibyte that come as bytes
        data = io.BytesIO(body) if body else None
        try:
            async with self._session.request(
                request.method, f"{self._upstream}{path}", params=params, headers=headers, data=data
            ) as answer:
                return _answer(request.path, answer.status, await answer.read(), answer.headers)
        except (ClientConnectionError, TimeoutError) as error:
            return _fault(503, f"the engine does not answer ({type(error).__name__})")


def _credentials(headers: Mapping[str, str]) -> dict[str, str]:
    """`Token user:password` as the `u` and `p` that 1.6 understands."""
    kind, _, token = headers.get("Authorization", "").partition(" ")
    user, colon, password = token.partition(":")
    return {"u": user, "p": password} if kind == "Token" and colon else {}


def _answer(path: str, status: int, body: bytes, headers: Mapping[str, str]) -> web.Response:
    if path == "/api/v2/write" and status >= 400:
        return _fault(status, _message(body))
    kept = ("Content-Type", "Content-Encoding", "X-Influxdb-Version", "X-Influxdb-Build")
    return web.Response(status=status, body=body, headers={n: headers[n] for n in kept if n in headers})


def _message(body: bytes) -> str:
    try:
        return str(json.loads(body)["error"])
    except (ValueError, KeyError, TypeError):
        return body.decode("utf-8", "replace").strip() or "no reason given"


def _fault(status: int, message: str) -> web.Response:
    """An error in the words of v2; a partial write is its own status there."""
    if status == 400 and message.startswith("partial write"):
        return web.json_response({"code": "unprocessable entity", "message": message}, status=_UNPROCESSABLE)
    code = _CODES.get(status, "unavailable" if status == 503 else "internal error")
    headers = {"Retry-After": "1"} if status == 503 else {}
    return web.json_response({"code": code, "message": message}, status=status, headers=headers)
