"""`lullwatch report`."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

__all__ = ["report"]


def report(
    source: Path,
    /,
    *,
    first: Annotated[str | None, Parameter(name="--from")] = None,
    last: Annotated[str | None, Parameter(name="--to")] = None,
    out: Annotated[Path, Parameter(name=["--out", "-o"])] = Path("lullwatch-report.pdf"),
    infant: str | None = None,
    language: str | None = None,
    packet: Path | None = None,
) -> int:
    """Write what was recorded in some nights as two pages for the doctor, with every event and the diary behind them.

    Coverage first, then series for each night, what people saw beside what sensors counted, the clearest waveforms,
    method and limits. The same data give the same bytes. Notes stand in it as they were written.

    Example: lullwatch report lullwatch.toml --from 2026-11-08 --to 2026-11-21 -o report.pdf

    Example: lullwatch report nights --out report.html --packet events

    Parameters
    ----------
    source
        The settings file, or a journal (.sqlite), or a folder of journals.
    first
        Date of the first evening, as in 2026-11-08; by default that of the first night that is there.
    last
        Date of the last evening; by default that of the last night that is there.
    out
        The file to write: .pdf or .html.
    infant
        Whose; needed where there are several.
    language
        Of the text (en or de); by default as the settings say, else English.
    packet
        Folder for an EDF+ clip of every event, with its tables, for whoever looks at the signals.
    """
    from lullwatch.console import progress, say
    from lullwatch.report.content import document
    from lullwatch.report.job import Asked, check_name, collected, shelf_of, written
    from lullwatch.report.packet import check_empty, write_packet
    from lullwatch.summary_job import wording_of

    words = wording_of(source, language)
    asked = Asked(infant, _date("--from", first), _date("--to", last))
    check_name(out)
    if packet is not None:
        check_empty(packet)
    with shelf_of(source) as shelf:
        with progress("reading nights", total=None) as bar:
            facts, shown = collected(shelf, asked, on_total=bar.expect, on_night=bar.advance)
        made_of = document(facts, shown, words)
        written(made_of, out)
        say(f"written: {out}")
        if packet is not None:
            with progress("writing clips", total=len(facts.shown)) as bar:
                paths = write_packet(shelf, facts, packet, header=made_of.header, on_clip=bar.advance)
            say(f"written: {len(paths)} files in {packet}")
    return 0


def _date(option: str, given: str | None) -> date | None:
    from lullwatch.errors import BadDate

    if given is None:
        return None
    try:
        return date.fromisoformat(given)
    except ValueError:
        raise BadDate(option, given) from None
