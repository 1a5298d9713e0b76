"""Pictures of what people see, for the README: real monitor, pages and browser, and the report on paper.

    python bench/screenshots.py [--out docs/pictures]

Two weeks of made-up nights lie before a simulated evening in which a series comes. Every picture is taken at a phone's
and a desk's size, in both languages, and kept in few colours: they are looked at, not measured.
"""

from __future__ import annotations

import argparse
import io
import re
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import pypdfium2
from PIL import Image
from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from dsp.records import NS, ClockRow  # noqa: E402 - found by the line above
from lullwatch.__main__ import main as lullwatch  # noqa: E402
from lullwatch.night_facts import Window  # noqa: E402
from store.journal import Journal, night_name  # noqa: E402
from tests.browser_home import DESKTOP, PHONE, Home, chromium, context_of, log_in, make_home, watched  # noqa: E402
from tests.report_nights import ZONE, bed_utc_ns, data_ns, make_nights  # noqa: E402

LANGUAGES = {"en": "en-GB", "de": "de-DE"}
SIZES = {"phone": PHONE, "desk": DESKTOP}
NIGHTS = 14
COLOURS = 48
MOST_BYTES = 150_000
PATIENCE_MS = 90_000
AFTER_MS = 5000
"""After the first word on a series, until it is over: 80 simulated seconds."""
REPORT_DPI = 76


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "pictures")
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    made: list[Path] = []
    for language in LANGUAGES:
        with tempfile.TemporaryDirectory() as folder:
            made += pictures(Path(folder), out, language)
    for path in made:
        size = path.stat().st_size
        print(f"{path.name}: {size / 1000:.0f} kB")
        assert size < MOST_BYTES, f"{path} has {size} bytes"
    return 0


def pictures(folder: Path, out: Path, language: str) -> list[Path]:
    """Everything in one language."""
    home = make_home(folder, broker=None, gateway="home", language=language, pace=16.0)
    weeks_before(home)
    made = [out / f"report-{n}-{language}.png" for n in (1, 2)]
    report(home, made)
    with chromium() as browser, home.pages, home.monitor:
        for name, size in SIZES.items():
            made += walk(home, browser, out, f"{name}-{language}", size=size, language=LANGUAGES[language])
    return made


def weeks_before(home: Home) -> None:
    """Nights made up before this one, and the moment at which the simulated evening goes on from them."""
    now_ns = time.time_ns()
    tonight = Window.at(now_ns, ZONE).night
    zero_ns = data_ns(tonight, (now_ns - bed_utc_ns(tonight)) / (3600 * NS))
    make_nights(home.journals, nights=NIGHTS, first=tonight - timedelta(days=NIGHTS), before_ns=zero_ns)
    with Journal.open(home.journals / night_name(now_ns, ZONE)) as journal:
        journal.commit([ClockRow(0, now_ns, "simulated", ZONE)])


def report(home: Home, paths: list[Path]) -> None:
    """The two pages of the report, small."""
    pdf = home.folder / "report.pdf"
    assert lullwatch(["report", str(home.settings), "--infant", "inf1", "-o", str(pdf)]) == 0
    with pypdfium2.PdfDocument(pdf) as document:
        for number, path in enumerate(paths):
            keep(document[number].render(scale=REPORT_DPI / 72).to_pil(), path)


def walk(
    home: Home, browser: Browser, out: Path, name: str, *, size: dict[str, int], language: str
) -> list[Path]:
    """The pages as somebody comes to them."""
    context = context_of(browser, size=size, language=language, scale=1.5)
    try:
        seen = watched(context)
        log_in(seen, home)
        page, made = seen.page, list[Path]()
        is_phone = size is PHONE

        def shot(what: str, *, at: str = "") -> None:
            """One picture; of the part of the page that begins at `at`."""
            page.wait_for_timeout(1500)  # what is drawn by scripts, and a few seconds of a live trace
            if at:
                page.locator(at).first.evaluate("element => element.scrollIntoView()")
            path = out / f"{what}-{name}.png"
            keep(Image.open(io.BytesIO(page.screenshot())), path)
            made.append(path)

        first = page.locator("#tile", has_text=re.compile(r": 0 s"))
        first.wait_for(timeout=PATIENCE_MS)
        if not page.locator("#alerts button").count():
            shot("tonight")
        page.locator("#alerts button").first.wait_for(timeout=PATIENCE_MS)
        page.wait_for_timeout(AFTER_MS)
        shot("alert")
        page.goto(f"{home.address}/events")
        newest_series(page)
        shot("event", at="main h2:has(+ figure)" if is_phone else "")
        for what, address in (("diary", "/diary?infant=inf1&kind=movement_seen"), ("trends", "/trends")):
            page.goto(home.address + address)
            shot(what, at="main figure" if is_phone and what == "trends" else "")
        assert seen.strangers() == []
        return made
    finally:
        context.close()


def newest_series(page: Page) -> None:
    """Open the newest series of the list."""
    words = ("repeated brief", "wiederholte kurze")
    rows = page.locator("main tr").all()
    row = next(r for r in rows if any(w in (r.text_content() or "").lower() for w in words))
    row.locator("a").first.click()


def keep(picture: Image.Image, path: Path) -> None:
    """Write a picture in few colours."""
    picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    sys.exit(main())
