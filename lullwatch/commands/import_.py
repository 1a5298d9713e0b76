"""`lullwatch import`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

__all__ = ["import_"]

_Files = Annotated[list[Path], Parameter(consume_multiple=True)]
_Sites = Annotated[
    list[Literal["LA", "RA", "TR", "LW", "RW", "HD"]], Parameter(name="--site", consume_multiple=False)
]


def import_(
    files: _Files,
    /,
    *,
    out: Path = Path("lullwatch-import"),
    site: _Sites | None = None,
    name: str | None = None,
    infant: str = "infant",
    zone: str = "UTC",
) -> int:
    """Make recordings for `lullwatch replay` of files of other programs and devices.

    Read are EDF+, Motion-BIDS (a folder, or *_motion.tsv), CSV and Parquet, Axivity .cwa, ActiGraph .gt3x and
    GENEActiv .bin. Writes NAME.edf with its sidecars, NAME_events.tsv and NAME_states.tsv. The first three need
    nothing, BIDS and tables the extra `tables`, devices the extra `wearables`.

    Example: lullwatch import left.cwa right.cwa --site LA --site RA --zone Europe/Berlin --out recordings

    Parameters
    ----------
    files
        Files, or folders of datasets.
    out
        Folder for the recordings; made if missing.
    site
        Where a file's sensor sat, once for each file: they become one recording. LA RA ankles, TR trunk, LW RW
        wrists, HD head.
    name
        Name of the recording, where one is made; by default that of the first file.
    infant
        Id to import under, where the file has none; never a name.
    zone
        Time zone of clocks that do not say theirs.
    """
    from dsp.records import Site
    from lullwatch import importing
    from lullwatch.console import complain, progress, say

    read_as = importing.ReadAs(infant=infant, zone=zone)
    with progress("reading", total=sum(map(importing.size_of, files))) as bar:
        made, remarks = importing.import_files(
            files,
            out,
            sites=[Site(s) for s in site or ()],
            name=name,
            read_as=read_as,
            on_progress=bar.advance,
        )
    for remark in dict.fromkeys(remarks):
        complain(remark)
    for path in made:
        say(f"written: {path}")
    return 0


import_.__name__ = "import"  # the command's name, which Python keeps for itself
