"""Charts drawn on the server: SVG inside the page, with a title and a description for whoever does not see it.

They need no script, can be printed, and take their colours from the style sheet by class.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .markup import Content, Html, h

__all__ = ["Frame", "band", "chart", "dot", "line", "text", "ticks", "trace"]

_COLUMNS: Final = 900
"""Points of a trace at most, twice: the least and the most of each column; a screen shows no more."""

_Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a chart's values lie on the drawing: x to the right, y upwards."""

    left: float
    top: float
    width: float
    height: float
    x0: float
    x1: float
    y0: float
    y1: float

    def x(self, value: float) -> float:
        """Place of a value, kept inside."""
        share = (value - self.x0) / (self.x1 - self.x0)
        return round(self.left + min(max(share, 0.0), 1.0) * self.width, 1)

    def y(self, value: float) -> float:
        """Place of a value, kept inside."""
        share = (value - self.y0) / (self.y1 - self.y0)
        return round(self.top + (1.0 - min(max(share, 0.0), 1.0)) * self.height, 1)

    @property
    def right(self) -> float:
        """Its right edge."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """Its lower edge."""
        return self.top + self.height


def chart(name: str, title: str, description: str, size: tuple[float, float], *parts: Content) -> Html:
    """A drawing of a size in units that fit the page's width; `name` is its own among the page's ids."""
    width, height = size
    return h(
        "svg",
        h("title", title, id=f"{name}-t"),
        h("desc", description, id=f"{name}-d"),
        *parts,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width:g} {height:g}",
        role="img",
        aria_labelledby=f"{name}-t",
        aria_describedby=f"{name}-d",
        class_="chart",
    )


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Html:
    """A straight line."""
    return h("line", x1=f"{x1:g}", y1=f"{y1:g}", x2=f"{x2:g}", y2=f"{y2:g}", class_=class_)


def band(x: float, y: float, width: float, height: float, class_: str, says: str = "") -> Html:
    """A filled stretch; `says` is told when it is pointed at."""
    inside = h("title", says) if says else None
    return h(
        "rect",
        inside,
        x=f"{x:g}",
        y=f"{y:g}",
        width=f"{max(width, 1.0):g}",
        height=f"{height:g}",
        class_=class_,
    )


def dot(x: float, y: float, class_: str, says: str = "", *, r: float = 4) -> Html:
    """A point; `says` is told when it is pointed at."""
    return h(
        "circle", h("title", says) if says else None, cx=f"{x:g}", cy=f"{y:g}", r=f"{r:g}", class_=class_
    )


def text(
    x: float, y: float, said: str, class_: str = "label", *, anchor: str = "start", says: str = ""
) -> Html:
    """Text with its baseline at a place; `says` is told when it is pointed at."""
    return h(
        "text",
        h("title", says) if says else None,
        said,
        x=f"{x:g}",
        y=f"{y:g}",
        class_=class_,
        text_anchor=anchor,
    )


def trace(frame: Frame, x: _Floats, y: _Floats, class_: str) -> Html:
    """A line through values; broken where a value is NaN, and thinned to what can be seen."""
    pieces: list[str] = []
    for xs, ys in _unbroken(x, y):
        thin_x, thin_y = _thinned(xs, ys, frame)
        points = [
            f"{frame.x(a):g} {frame.y(b):g}" for a, b in zip(thin_x.tolist(), thin_y.tolist(), strict=True)
        ]
        pieces.append("M" + "L".join(points))
    return h("path", d=" ".join(pieces), class_=class_)


def ticks(frame: Frame, values: Sequence[tuple[float, str]]) -> list[Html]:
    """Marks below a frame with their words."""
    made: list[Html] = []
    for value, said in values:
        x = frame.x(value)
        made += [
            line(x, frame.bottom, x, frame.bottom + 5, "axis"),
            text(x, frame.bottom + 18, said, anchor="middle"),
        ]
    return made


def _unbroken(x: _Floats, y: _Floats) -> list[tuple[_Floats, _Floats]]:
    breaks = np.flatnonzero(np.isnan(y))
    starts, ends = np.concatenate(([0], breaks + 1)), np.concatenate((breaks, [y.size]))
    return [(x[a:b], y[a:b]) for a, b in zip(starts.tolist(), ends.tolist(), strict=True) if b > a]


def _thinned(x: _Floats, y: _Floats, frame: Frame) -> tuple[_Floats, _Floats]:
    """The least and the most in each column of the drawing, in the order they come."""
    share = (x[-1] - x[0]) / (frame.x1 - frame.x0)
    columns = max(int(_COLUMNS * share), 2)
    if x.size <= 2 * columns:
        return x, y
    edges = np.linspace(0, x.size, columns + 1).astype(np.int64)
    keep: list[int] = []
    for a, b in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        part = y[a:b]
        keep += sorted({a + int(part.argmin()), a + int(part.argmax())})
    return x[keep], y[keep]
