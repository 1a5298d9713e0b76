"""A report as a value: what stands on it, in which order, before it is a PDF or a page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .drawing import Drawing

__all__ = ["Block", "Column", "Document", "Figure", "Heading", "NewPage", "Paragraph", "Table"]


@dataclass(frozen=True, slots=True)
class Heading:
    """Of a section."""

    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text."""

    text: str
    style: Literal["plain", "strong", "small"] = "plain"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    title: str
    share: float
    """of the width, beside the others'"""
    align: Literal["left", "right"] = "left"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing and the line under it."""

    drawing: Drawing
    caption: str = ""


@dataclass(frozen=True, slots=True)
class NewPage:
    """What follows begins on a new page."""


Block = Heading | Paragraph | Table | Figure | NewPage


@dataclass(frozen=True, slots=True)
class Document:
    """Everything that is printed."""

    language: str
    """ISO 639-1 code"""
    title: str
    subtitle: str
    header: str
    """what this is and what it is not; on every page"""
    page: str
    """`{n}` and `{of}` stand for numbers"""
    made_ns: int
    """UTC of the newest thing in it: the same data give the same bytes whenever they are printed"""
    blocks: tuple[Block, ...]
