"""A report as one page of HTML: nothing is loaded from anywhere, and it prints like the PDF."""

from __future__ import annotations

from html import escape
from typing import Final

from .document import Block, Document, Figure, Heading, NewPage, Paragraph, Table
from .drawing import to_svg

__all__ = ["as_html"]

_STYLE: Final = """
body { font: 15px/1.45 system-ui, "DejaVu Sans", sans-serif; color: #1f2a44; background: #fff;
  max-width: 60rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.5rem; margin: 0 0 .2rem; } h2 { font-size: 1.1rem; margin: 1.6rem 0 .3rem; }
p { margin: .3rem 0; } .strong { font-weight: 600; } .small, figcaption { font-size: .87rem; }
.header { border: 1px solid #6b7688; padding: .3rem .6rem; }
figure { margin: .8rem 0; overflow-x: auto; } svg { width: 100%; min-width: 40rem; font-family: inherit; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0; }
caption { text-align: left; font-weight: 600; padding: .2rem 0; }
th, td { text-align: left; vertical-align: top; padding: .15rem .5rem .15rem 0; border-bottom: 1px solid #c3cad6; }
.right { text-align: right; } .wide { overflow-x: auto; }
@media print { body { font-size: 9pt; max-width: none; } .new-page { break-before: page; }
  figure, tr { break-inside: avoid; } svg { min-width: 0; } }
"""


def as_html(document: Document) -> str:
    """The whole page."""
    parts = [
        "<!doctype html>",
        f'<html lang="{escape(document.language)}">',
        '<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">',
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
        f"<title>{escape(document.title)}</title><style>{_STYLE}</style></head>",
        f"<body><header><h1>{escape(document.title)}</h1><p>{escape(document.subtitle)}</p>",
        f'<p class="header">{escape(document.header)}</p></header><main>',
    ]
    parts += [_block(block, number) for number, block in enumerate(document.blocks, start=1)]
    parts += ["</main></body></html>", ""]
    return "\n".join(parts)


def _block(block: Block, number: int) -> str:
    if isinstance(block, Heading):
        return f"<h2>{escape(block.text)}</h2>"
    if isinstance(block, Paragraph):
        return f'<p class="{block.style}">{escape(block.text)}</p>'
    if isinstance(block, NewPage):
        return '<div class="new-page"></div>'
    if isinstance(block, Figure):
        caption = f"<figcaption>{escape(block.caption)}</figcaption>" if block.caption else ""
        return f"<figure>{to_svg(block.drawing, number=number)}{caption}</figure>"
    return _table(block)


def _table(table: Table) -> str:
    def cell(tag: str, text: str, align: str) -> str:
        more = ' scope="col"' if tag == "th" else ""
        more += ' class="right"' if align == "right" else ""
        return f"<{tag}{more}>{escape(text)}</{tag}>"

    head = "".join(cell("th", column.title, column.align) for column in table.columns)
    rows = [
        "<tr>" + "".join(cell("td", t, c.align) for t, c in zip(row, table.columns, strict=True)) + "</tr>"
        for row in table.rows
    ]
    caption = f"<caption>{escape(table.title)}</caption>" if table.title else ""
    body = f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody>"
    return f'<div class="wide"><table>{caption}{body}</table></div>'
