"""What makes the page an icon on a phone's home screen: manifest, icons drawn here, service worker."""

from __future__ import annotations

import struct
import zlib
from functools import lru_cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import numpy as np
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from .layout import document
from .markup import h
from .site import words_of

__all__ = ["ICON_SIZES", "icon_png", "icon_svg", "routes"]

ICON_SIZES = (192, 512)
_NIGHT, _MOON, _WAVE = "#10141a", "#e0a458", "#7fa7c9"
_DAY_S = 86_400


def icon_svg() -> str:
    """A moon over a wave."""
    return h(
        "svg",
        h("rect", width=64, height=64, rx=14, fill=_NIGHT),
        h("path", d="M40 10A16 16 0 1 0 52 34 13 13 0 0 1 40 10Z", fill=_MOON),
        h(
            "path", d="M8 48Q14 48 17 48T24 40 30 54 37 48H56", fill="none", stroke=_WAVE, stroke_width=4,
            stroke_linecap="round",
        ),
        xmlns="http://www.w3.org/2000/svg",
        viewBox="0 0 64 64",
    )  # fmt: skip


@lru_cache
def icon_png(size: int) -> bytes:
    """The same for phones that take no SVG; it fills the square, for they cut the corners themselves."""
    y, x = np.mgrid[0:size, 0:size] * (64.0 / size)
    picture = np.empty((size, size, 3), dtype=np.uint8)
    picture[:] = _rgb(_NIGHT)
    moon = ((x - 38) ** 2 + (y - 26) ** 2 < 15**2) & ((x - 45) ** 2 + (y - 21) ** 2 > 13**2)
    picture[moon] = _rgb(_MOON)
    wave = 50 - 8 * np.exp(-(((x - 28) / 4) ** 2)) * np.cos((x - 28) / 2.5)
    picture[(np.abs(y - wave) < 2) & (x > 8) & (x < 56)] = _rgb(_WAVE)
    rows = np.concatenate([np.zeros((size, 1), np.uint8), picture.reshape(size, -1)], axis=1)
    head = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    parts = (("IHDR", head), ("IDAT", zlib.compress(rows.tobytes(), 9)), ("IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in parts)


def _chunk(name: str, data: bytes) -> bytes:
    named = name.encode() + data
    return struct.pack(">I", len(data)) + named + struct.pack(">I", zlib.crc32(named))


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


async def _manifest(request: Request) -> Response:
    words = words_of(request)
    icons = [
        {"src": f"/icon-{n}.png", "sizes": f"{n}x{n}", "type": "image/png", "purpose": "any maskable"}
        for n in ICON_SIZES
    ]
    manifest = {
        "name": "lullwatch",
        "short_name": "lullwatch",
        "description": words.text("page.about"),
        "lang": words.language,
        "id": "/",
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "background_color": "#0b0d10",
        "theme_color": "#0b0d10",
        "icons": [*icons, {"src": "/icon.svg", "sizes": "any", "type": "image/svg+xml"}],
    }
    return JSONResponse(manifest, media_type="application/manifest+json")


async def _svg(_: Request) -> Response:
    return Response(icon_svg(), media_type="image/svg+xml", headers={"cache-control": f"max-age={_DAY_S}"})


async def _png(request: Request) -> Response:
    size = request.path_params.get("size", ICON_SIZES[0])
    if size not in ICON_SIZES:
        raise HTTPException(404)
    return Response(icon_png(size), media_type="image/png", headers={"cache-control": f"max-age={_DAY_S}"})


@lru_cache
def _worker_text() -> str:
    """The service worker, named for what it keeps: a new style sheet is a new name."""
    static = Path(__file__).with_name("static")
    kept = sha256((static / "page.css").read_bytes() + version("lullwatch").encode()).hexdigest()[:12]
    return (static / "worker.js").read_text(encoding="utf-8").replace("KEPT_VERSION", kept)


async def _worker(_: Request) -> Response:
    return Response(_worker_text(), media_type="text/javascript", headers={"cache-control": "no-cache"})


async def _offline(request: Request) -> Response:
    words = words_of(request)
    again = h("p", h("a", words.text("page.again"), href="/", class_="button big"))
    body = h("main", h("h1", "lullwatch"), h("p", words.text("page.level_lost"), role="alert"), again)
    return HTMLResponse(document(words.language, "lullwatch", body, ()))


def routes() -> list[BaseRoute]:
    """The page's addresses."""
    return [
        Route("/sw.js", _worker),
        Route("/offline", _offline),
        Route("/manifest.webmanifest", _manifest),
        Route("/icon.svg", _svg),
        Route("/favicon.ico", _png),
        Route("/icon-{size:int}.png", _png),
    ]
