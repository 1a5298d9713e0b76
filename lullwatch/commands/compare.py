"""`lullwatch compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

__all__ = ["compare"]


def compare(
    before: str,
    after: str,
    *nights: Path,
    out: Annotated[Path | None, Parameter(name=["--out", "-o"])] = None,
    jobs: int | None = None,
    age_days: int | None = None,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
) -> int:
    """Run nights with two settings of the detector, or against stored events, and say what differs.

    Lists which events appeared, vanished, moved or got another label. Where NAME_truth_events.tsv lies beside
    the nights, false alarms per 24 h and what was found are given both ways.

    Example: lullwatch compare default louder.json recordings

    Example: lullwatch compare results-of-last-version default recordings

    Parameters
    ----------
    before
        `default` for the settings of this version; a file of settings that differ (.json or .toml); or a folder
        of tables as replay writes them, perhaps by another version.
    after
        The same.
    nights
        Recordings, journals, or folders of them.
    out
        Keep the tables of both in this folder; a second run then only does what is missing.
    jobs
        Nights done at once; one for each core by default.
    age_days
        Age of the infants in days, if known and all alike.
    as_json
        Print everything as JSON instead of text.
    """
    from lullwatch.comparing import compare as compared
    from lullwatch.comparing import text
    from lullwatch.console import progress, say, say_json

    with progress("comparing", total=None) as bar:
        result = compared(
            before,
            after,
            nights,
            out=out,
            jobs=jobs,
            age_days=age_days,
            on_night=lambda o: bar.advance(1, o.file),
        )
    if as_json:
        say_json(result)
    else:
        say(text(result))
    return 0
