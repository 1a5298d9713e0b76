"""Figures as values: lines, boxes and words in millimetres, drawn alike into a PDF and as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final, Literal

__all__ = [
    "INK",
    "MARK",
    "PALE",
    "SOFT",
    "WASH",
    "Anchor",
    "Box",
    "Canvas",
    "Drawing",
    "Item",
    "Path",
    "Words",
    "to_svg",
]

INK: Final = "#1f2a44"
SOFT: Final = "#6b7688"
PALE: Final = "#c3cad6"
WASH: Final = "#e9edf3"
MARK: Final = "#b3541e"
"""Neutral and readable with any colour vision and on a black-and-white printer; nothing is red or green."""

Anchor = Literal["start", "middle", "end"]
MM_PER_PT: Final = 25.4 / 72


@dataclass(frozen=True, slots=True)
class Path:
    """A line through points, in millimetres from the upper left corner."""

    points: tuple[tuple[float, float], ...]
    colour: str = INK
    width_mm: float = 0.2
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle; filled, or with an edge only."""

    x: float
    y: float
    width: float
    height: float
    fill: str = ""
    edge: str = ""
    hatched: bool = False
    """slanted lines inside: told from a plain one without any colour"""


@dataclass(frozen=True, slots=True)
class Words:
    """A line of text; `y` is its base line."""

    text: str
    x: float
    y: float
    size_pt: float = 7.0
    anchor: Anchor = "start"
    colour: str = INK
    bold: bool = False


Item = Path | Box | Words


@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure, and what it shows for somebody who cannot see it."""

    width: float
    height: float
    items: tuple[Item, ...]
    title: str
    description: str


class Canvas:
    """Collects the items of a drawing."""

    def __init__(self) -> None:
        self._items: list[Item] = []

    def line(
        self,
        *points: tuple[float, float],
        colour: str = INK,
        width_mm: float = 0.2,
        dashed: bool = False,
    ) -> None:
        """A line through points."""
        self._items.append(Path(points, colour, width_mm, dashed))

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        *,
        fill: str = "",
        edge: str = "",
        hatched: bool = False,
    ) -> None:
        """A rectangle."""
        self._items.append(Box(x, y, width, height, fill, edge, hatched))

    def words(
        self,
        text: str,
        x: float,
        y: float,
        *,
        size_pt: float = 7.0,
        anchor: Anchor = "start",
        colour: str = INK,
        bold: bool = False,
    ) -> None:
        """A line of text."""
        self._items.append(Words(text, x, y, size_pt, anchor, colour, bold))

    def items_moved(self, x: float, y: float) -> tuple[Item, ...]:
        """Everything so far, moved: a panel becomes part of a larger drawing."""
        return tuple(_moved(item, x, y) for item in self._items)

    def add(self, items: Sequence[Item]) -> None:
        """Items of another canvas."""
        self._items += items

    def drawing(self, width: float, height: float, *, title: str, description: str) -> Drawing:
        """What was collected."""
        return Drawing(width, height, tuple(self._items), title, description)


def hatching(box: Box, *, apart_mm: float = 1.0) -> list[Path]:
    """The slanted lines inside a box."""
    lines = []
    offset = apart_mm
    while offset < box.width + box.height:
        x0, y0 = box.x + min(offset, box.width), box.y + max(0.0, offset - box.width)
        x1, y1 = box.x + max(0.0, offset - box.height), box.y + min(offset, box.height)
        lines.append(Path(((x0, y0), (x1, y1)), box.edge or INK, 0.12))
        offset += apart_mm
    return lines


def to_svg(drawing: Drawing, *, number: int = 1) -> str:
    """The drawing as an SVG element for a page; `number` keeps the ids of several apart."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_mm(drawing.width)} {_mm(drawing.height)}" '
        f'role="img" aria-labelledby="figure-{number}-title figure-{number}-text">',
        f'<title id="figure-{number}-title">{escape(drawing.title)}</title>',
        f'<desc id="figure-{number}-text">{escape(drawing.description)}</desc>',
        *(_svg_of(item) for item in drawing.items),
        "</svg>",
    ]
    return "\n".join(parts)


def _svg_of(item: Item) -> str:
    if isinstance(item, Path):
        points = " ".join(f"{_mm(x)},{_mm(y)}" for x, y in item.points)
        dash = ' stroke-dasharray="1 0.8"' if item.dashed else ""
        return (
            f'<polyline points="{points}" fill="none" stroke="{item.colour}" '
            f'stroke-width="{_mm(item.width_mm)}"{dash} stroke-linejoin="round"/>'
        )
    if isinstance(item, Box):
        edge = f' stroke="{item.edge}" stroke-width="0.2"' if item.edge else ""
        box = (
            f'<rect x="{_mm(item.x)}" y="{_mm(item.y)}" width="{_mm(item.width)}" height="{_mm(item.height)}" '
            f'fill="{item.fill or "none"}"{edge}/>'
        )
        return "".join([box, *(_svg_of(line) for line in (hatching(item) if item.hatched else ()))])
    weight = ' font-weight="bold"' if item.bold else ""
    return (
        f'<text x="{_mm(item.x)}" y="{_mm(item.y)}" font-size="{_mm(item.size_pt * MM_PER_PT)}" '
        f'text-anchor="{item.anchor}" fill="{item.colour}"{weight}>{escape(item.text)}</text>'
    )


def _moved(item: Item, x: float, y: float) -> Item:
    if isinstance(item, Path):
        points = tuple((px + x, py + y) for px, py in item.points)
        return Path(points, item.colour, item.width_mm, item.dashed)
    if isinstance(item, Box):
        return Box(item.x + x, item.y + y, item.width, item.height, item.fill, item.edge, item.hatched)
    return Words(item.text, item.x + x, item.y + y, item.size_pt, item.anchor, item.colour, item.bold)


def _mm(value: float) -> str:
    """A hundredth of a millimetre is finer than any printer."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
