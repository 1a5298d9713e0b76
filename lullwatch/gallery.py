"""The gallery: what three sensors see of each kind of movement, and one whole night, as pages of pictures.

`make gallery` writes docs/gallery/*.png and the section of docs/scenarios.md that shows them.
Needs matplotlib (extra `picture`).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure, SubFigure
from numpy.typing import NDArray
from PIL import Image

from dsp.records import Site
from firmware_sim.body import draw_rest, motion_at
from firmware_sim.draw import Draw
from firmware_sim.generators import make_movement
from firmware_sim.liveliness import enliven
from firmware_sim.movement import Infant, Mark, Movement, draw_infant
from firmware_sim.steps import Steps, Trajectory

from .console import progress, say
from .gallery_night import draw_whole_night
from .gallery_plates import Plate, Sheet, all_sheets, cited

__all__ = ["NIGHT", "Seen", "draw_sheet", "look", "write_gallery", "write_section"]

_RATE_HZ: Final = 104.0
"""As the socks sample."""
_COLUMNS: Final = 3
_LANES: Final = 3
_DPI: Final = 88
_COLOURS: Final = 48
"""Of the palette: few lines of few colours need no more, and a page stays small."""
_INK: Final = {
    Site.LA: "#0a5fa5",
    Site.RA: "#c4570c",
    Site.TR: "#1b7f4d",
    Site.LW: "#3c3f9e",
    Site.RW: "#94294d",
    Site.HD: "#5b5b5b",
}
"""One colour a sensor on every page, apart for any colour vision; axes x, y, z are full, half and a third of it."""
_AXIS_ALPHA: Final = (1.0, 0.6, 0.35)
_MARKED: Final = "#f3e3b3"
_MEMBER: Final = "#e8c766"
_ROUND: Final = (1.0, 2.0, 5.0)
_FULL_LANE: Final = 1.3
"""The largest swing of a plate over half the height of a lane: now and then one reaches into the next."""
_MANY: Final = 2
"""True classes that a title names."""
NIGHT: Final = "a-night"
_SECTION: Final = re.compile(r"<!-- gallery -->.*?(<!-- end of gallery -->|\Z)", re.DOTALL)

_Floats = NDArray[np.float32]


class Seen:
    """A movement as perfect sensors see it: times, acceleration less its value at rest, angular rate."""

    def __init__(self, plate: Plate, span_s: float) -> None:
        infant = draw_infant(Draw(plate.seed, "infant"), plate.age_days)
        self.movement = _moved(plate, infant)
        onsets = [m.onset_s for m in self.movement.marks if m.true_class == plate.around]
        self.start_s = (onsets[0] if onsets else self.movement.steps.begin_s) + plate.from_s
        rest = draw_rest(Draw(plate.seed, "rest"))
        n = round(span_s * _RATE_HZ)
        self.t_s = np.arange(n) / _RATE_HZ
        self.acc_g: dict[Site, _Floats] = {}
        self.gyro_dps: dict[Site, _Floats] = {}
        for site in plate.sites:
            seen = [
                motion_at(
                    infant.body, Trajectory(steps, rest), site, t0_s=self.start_s, dt_s=1 / _RATE_HZ, n=n
                )
                for steps in (self.movement.steps, Steps.join([]))
            ]
            level = seen[1][0] if plate.from_s <= 0.0 else np.median(seen[0][0], axis=0)
            self.acc_g[site], self.gyro_dps[site] = seen[0][0] - level, seen[0][1]


def _moved(plate: Plate, infant: Infant) -> Movement:
    draw = Draw(plate.seed, f"gallery/{plate.kind}")
    return enliven(make_movement(plate.kind, draw, infant, plate.options), draw)


def look(plate: Plate, span_s: float) -> Seen:
    """What the plate's sensors see within the page's span of time."""
    return Seen(plate, span_s)


def draw_sheet(path: Path, sheet: Sheet) -> None:
    """Draw one page as a PNG."""
    rows = -(-len(sheet.plates) // _COLUMNS)
    with mpl.rc_context({"font.size": 8, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(13, 0.75 + 3.3 * rows), layout="constrained")
        FigureCanvasAgg(figure)
        figure.suptitle(f"{sheet.title} · {sheet.span_s:.0f} s across each plate", fontsize=11)
        cells = np.atleast_1d(figure.subfigures(rows, _COLUMNS, squeeze=False)).ravel()
        for cell, plate in zip(cells, sheet.plates, strict=False):
            _draw_plate(cell, plate, look(plate, sheet.span_s), sheet.span_s)
        _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    figure.savefig(path, dpi=_DPI, metadata={"Software": None})
    with Image.open(path) as picture:
        small = picture.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE)
    small.save(path, optimize=True)


def _draw_plate(cell: SubFigure, plate: Plate, seen: Seen, span_s: float) -> None:
    top, low = cell.subplots(2, 1, sharex=True)
    marks = seen.movement.marks
    for ax, signals, unit in ((top, seen.acc_g, "g"), (low, seen.gyro_dps, "deg/s")):
        _shade(ax, marks, seen.start_s, span_s)
        _draw_lanes(ax, seen.t_s, signals, unit)
    top.set_ylabel("acceleration")
    low.set_ylabel("angular rate")
    low.set_xlabel("s")
    low.set_xlim(0.0, span_s)
    named = list(dict.fromkeys(f"{mark.true_class} → {mark.label}" for mark in marks))
    more = f" and {len(named) - _MANY} more" if len(named) > _MANY else ""
    labels = f"{', '.join(named[:_MANY])}{more}"
    top.set_title(f"{plate.kind}: {plate.says}\n{labels}\n{cited(plate.kind)}", fontsize=7.5, loc="left")


def _shade(ax: Axes, marks: Sequence[Mark], start_s: float, span_s: float) -> None:
    for mark in marks:
        for part, colour in ((mark, _MARKED), *((member, _MEMBER) for member in mark.members)):
            left, right = max(part.onset_s - start_s, 0.0), min(part.end_s - start_s, span_s)
            if right > left:
                ax.axvspan(left, right, facecolor=colour, edgecolor="none", alpha=0.55, zorder=0)


def _draw_lanes(ax: Axes, t_s: NDArray[np.float64], signals: dict[Site, _Floats], unit: str) -> None:
    """One lane a sensor, all at one scale, which a bar at the right gives."""
    largest = max(float(np.abs(values).max()) for values in signals.values())
    unit_height = _FULL_LANE / max(largest, 1e-6)
    for lane, (site, values) in enumerate(signals.items()):
        middle = 2.0 * (_LANES - 1 - lane)
        for axis, alpha in enumerate(_AXIS_ALPHA):
            ax.plot(t_s, middle + unit_height * values[:, axis], color=_INK[site], alpha=alpha, lw=0.7)
    ax.set_yticks([2.0 * (_LANES - 1 - i) for i in range(len(signals))], [str(site) for site in signals])
    ax.set_ylim(-_FULL_LANE - 0.05, 2.0 * (_LANES - 1) + _FULL_LANE + 0.05)
    bar = _round_below(largest)
    x = 1.015 * t_s[-1]
    ax.plot([x, x], [-0.9, -0.9 + bar * unit_height], color="black", lw=2.0, clip_on=False)
    ax.text(1.025 * t_s[-1], -0.9, f"{bar:g} {unit}", rotation=90, va="bottom", fontsize=7, clip_on=False)


def _round_below(value: float) -> float:
    """The largest 1, 2 or 5 times a power of ten that is not above the value."""
    power = 10.0 ** np.floor(np.log10(max(value, 1e-6)))
    return float(max(step * power for step in _ROUND if step * power <= max(value, power)))


def write_gallery(folder: Path, kinds: Sequence[str] | None = None) -> list[Path]:
    """Draw every sheet and one whole night into `folder`; with `kinds`, only plates of these and no night.

    Returns:
        The files, in the order of the section.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sheets = all_sheets(kinds)
    paths = [folder / f"{sheet.name}.png" for sheet in sheets]
    with progress("gallery", total=len(sheets) + (kinds is None)) as bar:
        for path, sheet in zip(paths, sheets, strict=True):
            draw_sheet(path, sheet)
            bar.advance(1.0, path.name)
        if kinds is None:
            paths.append(folder / f"{NIGHT}.png")
            draw_whole_night(paths[-1], _save)
            bar.advance(1.0, paths[-1].name)
    return paths


def write_section(document: Path, folder: Path) -> None:
    """Put the pages of `folder` into the document, between its two marks of the gallery."""
    where = folder.relative_to(document.parent).as_posix()
    parts = [
        "<!-- gallery -->",
        "## Gallery",
        "",
        "`make gallery` draws these pages and writes this section. Each plate is one drawn movement as perfect sensors",
        "see it: three lanes a panel, left ankle (LA, blue), right ankle (RA, orange) and trunk (TR, green) unless the",
        "lane says otherwise, each with its three axes. Above, acceleration less its value at rest, so that a turned",
        "limb shows as an offset, for gravity turns with it (less its median where the plate begins within the",
        "movement); below, angular rate. All lanes of a panel share one scale, given by the bar at its right. Shaded",
        "is what the truth table says: an event, darker its members. The title gives the kind, the true class and",
        "label, and the rows and sources that the generator cites.",
        "",
    ]
    for sheet in all_sheets():
        parts += [
            f"### {sheet.title}",
            "",
            sheet.caption,
            "",
            f"![{sheet.title}]({where}/{sheet.name}.png)",
            "",
        ]
    parts += [
        "### A night",
        "",
        "A drawn night: true states, breathing rate as the trunk sensor shows it, movement of each sensor, truth.",
        "",
        f"![A night]({where}/{NIGHT}.png)",
        "",
        "<!-- end of gallery -->",
    ]
    text = document.read_text(encoding="utf-8")
    section = "\n".join(parts)
    if not _SECTION.search(text):
        text = f"{text.rstrip()}\n\n<!-- gallery -->\n"
    document.write_text(f"{_SECTION.sub(lambda _: section, text, count=1).rstrip()}\n", encoding="utf-8")


def main(docs: Path) -> int:
    """Write `docs`/gallery and the section of `docs`/scenarios.md."""
    for path in write_gallery(docs / "gallery"):
        say(f"written: {path}")
    write_section(docs / "scenarios.md", docs / "gallery")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs")))
