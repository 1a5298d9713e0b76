"""A report as a PDF on A4, made with fpdf2: pure Python, so that nothing has to be installed beside it.

The same document gives the same bytes: the date of making is that of the newest data.
"""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from dsp.records import NS
from lullwatch.errors import ReportExtraMissing

try:
    from fpdf import FPDF
    from fpdf.enums import TableBordersLayout, TextEmphasis, XPos, YPos
    from fpdf.fonts import FontFace
except ImportError as error:
    raise ReportExtraMissing("fpdf2") from error

from .document import Block, Document, Figure, Heading, NewPage, Paragraph, Table
from .drawing import SOFT, Box, Item, hatching
from .drawing import Path as Line

__all__ = ["as_pdf"]

_MARGIN_MM: Final = 12.0
_WIDTH_MM: Final = 186.0
_FOOT_MM: Final = 13.0
_FONT: Final = "DejaVu"
_FILES: Final = {"": "DejaVuSans.ttf", "B": "DejaVuSans-Bold.ttf"}
_SIZES_PT: Final = {"plain": 7.8, "strong": 7.8, "small": 7.0}
_LINE_MM: Final = {"plain": 3.8, "strong": 3.8, "small": 3.4}
_BEGUN_MM: Final = 90.0
"""What did not fit on the page before goes on above this; then the next part follows on the same page."""
_TABLE_PT, _TABLE_LINE_MM = 6.8, 3.4
_TABLE_BEGINS_MM: Final = 18.0
"""A title, the head and a first row of two lines: what a table needs at the foot of a page to begin there."""


def as_pdf(document: Document) -> bytes:
    """The whole file.

    Raises:
        ReportExtraMissing: fpdf2, or the fonts that matplotlib brings, are not installed.
    """
    pdf = _Paper(document)
    pdf.add_page()
    _head(pdf, document)
    for place, block in enumerate(document.blocks):
        after = document.blocks[place + 1] if place + 1 < len(document.blocks) else None
        _draw(pdf, block, after)
    return bytes(pdf.output())


def _fonts() -> Path:
    """Folder of DejaVu Sans, which writes most of the world's letters."""
    found = find_spec("matplotlib")
    if found is None or not found.submodule_search_locations:
        raise ReportExtraMissing("matplotlib, for its fonts")
    return Path(found.submodule_search_locations[0]) / "mpl-data" / "fonts" / "ttf"


class _Paper(FPDF):
    """A4 with the header line and the page's number at the foot of every page."""

    def __init__(self, document: Document) -> None:
        super().__init__(format="A4")
        self._document = document
        fonts = _fonts()
        for style, name in _FILES.items():
            self.add_font(_FONT, style, fonts / name)
        self.set_margins(_MARGIN_MM, _MARGIN_MM)
        self.c_margin = 0.0
        self.set_auto_page_break(True, _FOOT_MM + 2)
        self.set_font(_FONT, size=_SIZES_PT["plain"])
        self.set_title(document.title)
        self.set_subject(document.subtitle)
        self.set_creator("lullwatch")
        self.set_lang(document.language)
        self.set_creation_date(datetime.fromtimestamp(document.made_ns // NS, tz=UTC))

    def footer(self) -> None:
        """What this is and what it is not, on every page."""
        self.set_y(-_FOOT_MM + 2)
        self.set_font(_FONT, size=6.5)
        self.set_text_color(SOFT)
        page = self._document.page.format(n=self.page_no(), of="{nb}")
        self.cell(_WIDTH_MM * 0.8, 3.5, self._document.header)
        self.cell(_WIDTH_MM * 0.2, 3.5, page, align="R")
        self.set_text_color(0)


def _head(pdf: FPDF, document: Document) -> None:
    pdf.set_font(_FONT, "B", 14)
    pdf.cell(0, 6.5, document.title, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    pdf.set_font(_FONT, size=7.8)
    pdf.multi_cell(0, 3.8, document.subtitle, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    pdf.ln(1)
    pdf.set_font(_FONT, "B", 7.8)
    pdf.multi_cell(0, 5, f" {document.header}", border=1, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)


def _draw(pdf: FPDF, block: Block, after: Block | None) -> None:
    if isinstance(block, Heading):
        needed = 12.0 + (after.drawing.height if isinstance(after, Figure) else 6.0)
        if pdf.will_page_break(needed):
            pdf.add_page()
        pdf.ln(1.6)
        pdf.set_font(_FONT, "B", 9.5)
        pdf.cell(0, 5, block.text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    elif isinstance(block, Paragraph):
        pdf.set_font(_FONT, "B" if block.style == "strong" else "", _SIZES_PT[block.style])
        pdf.multi_cell(0, _LINE_MM[block.style], block.text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    elif isinstance(block, NewPage):
        if pdf.get_y() > _BEGUN_MM:
            pdf.add_page()
    elif isinstance(block, Figure):
        _figure(pdf, block)
    else:
        _table(pdf, block)


def _figure(pdf: FPDF, figure: Figure) -> None:
    drawing = figure.drawing
    if pdf.will_page_break(drawing.height + 5):
        pdf.add_page()
    pdf.ln(1)
    top = pdf.get_y()
    for item in drawing.items:
        _item(pdf, item, _MARGIN_MM, top)
    pdf.set_xy(_MARGIN_MM, top + drawing.height)
    if figure.caption:
        pdf.set_font(_FONT, size=6.5)
        pdf.set_text_color(SOFT)
        pdf.multi_cell(0, 3.2, figure.caption, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        pdf.set_text_color(0)
    pdf.ln(0.8)


def _item(pdf: FPDF, item: Item, x: float, y: float) -> None:
    if isinstance(item, Line):
        pdf.set_draw_color(item.colour)
        pdf.set_line_width(item.width_mm)
        pdf.set_dash_pattern(*((1.0, 0.8) if item.dashed else (0, 0)))
        pdf.polyline([(x + px, y + py) for px, py in item.points])
        pdf.set_dash_pattern()
    elif isinstance(item, Box):
        _box(pdf, item, x, y)
    else:
        pdf.set_font(_FONT, "B" if item.bold else "", item.size_pt)
        pdf.set_text_color(item.colour)
        shift = {"start": 0.0, "middle": 0.5, "end": 1.0}[item.anchor] * pdf.get_string_width(item.text)
        pdf.text(x + item.x - shift, y + item.y, item.text)
        pdf.set_text_color(0)


def _box(pdf: FPDF, box: Box, x: float, y: float) -> None:
    style = ("D" if box.edge else "") + ("F" if box.fill else "")
    if style and box.width > 0 and box.height > 0:
        pdf.set_line_width(0.2)
        pdf.set_draw_color(box.edge or box.fill)
        pdf.set_fill_color(box.fill or "#ffffff")
        pdf.rect(x + box.x, y + box.y, box.width, box.height, style=style)
    for line in hatching(box) if box.hatched else ():
        _item(pdf, line, x, y)


def _table(pdf: FPDF, table: Table) -> None:
    pdf.ln(0.8)
    if pdf.will_page_break(_TABLE_BEGINS_MM):
        pdf.add_page()
    if table.title:
        pdf.set_font(_FONT, "B", _SIZES_PT["plain"])
        pdf.cell(0, 4.2, table.title, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    pdf.set_font(_FONT, size=_TABLE_PT)
    pdf.set_draw_color("#c3cad6")
    pdf.set_line_width(0.15)
    shares = [column.share for column in table.columns]
    with pdf.table(
        borders_layout=TableBordersLayout.HORIZONTAL_LINES,
        col_widths=tuple(_WIDTH_MM * share / sum(shares) for share in shares),
        headings_style=FontFace(emphasis=TextEmphasis.B),
        line_height=_TABLE_LINE_MM,
        padding=(0.25, 1.6, 0.25, 0),
        text_align=tuple("RIGHT" if column.align == "right" else "LEFT" for column in table.columns),
        width=_WIDTH_MM,
    ) as drawn:
        drawn.row([column.title for column in table.columns])
        for row in table.rows:
            drawn.row(row)
    pdf.ln(0.6)
