"""How fast the pages of events, diary, trends and review are at 36,000 events; writes docs/evidence/review.json.

    python bench/review.py [--nights 30] [--hed PYTHON]

The thirty nights of bench/page.py lie on the shelf, the newest with raw data, and two reviewers have labelled a
thousand events. `lullwatch serve` runs as on a gateway; pages are asked for over HTTP.

  index     seconds until the list of events is there for the first time after a start, and for the second
  pages     seconds for each page: the first after a start where that takes longer, and the slowest of ten after it
  label     seconds from a key that labels an event to the next event being there (no monitor: straight into the night)
  hed       tags in the exported tables that the reference validator of HED refuses; left out where it is not to be had:
            `python -m venv v && v/bin/pip install hedtools`, then --hed v/bin/python
  memory    the most that `serve` had
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import aiohttp
import evidence
from page import INFANT, logged_in, make_base, process_figures, serving
from page_nights import lay

from dsp.records import Label, Opinion
from lullwatch.event_index import EventIndex, Query
from lullwatch.opinions import CLINICAL
from lullwatch.reviewing import export_review
from lullwatch.web.access import ACCESS_FILE, Access
from lullwatch.web.session import Role
from store.journal import Journal
from store.shelf import Shelf

SPEAKS_OF = (
    "lullwatch/web", "lullwatch/event_index.py", "lullwatch/trends.py", "lullwatch/reviewing.py",
    "store/journal_reading.py",
)  # fmt: skip
LEAST_EVENTS = 10_000
TARGET_S = 1.0
LABELLED = 1000
TIMES = 10

_HED = """
import sys
from hed import HedString, load_schema_version
schema = load_schema_version("score_2.1.0")
for tag in sys.argv[1:]:
    for issue in HedString(tag, schema).validate():
        print(tag, issue["code"])
"""


def label(folder: Path) -> int:
    """Let two reviewers label events of the newest night; how many events there are in all."""
    with Shelf(folder) as shelf:
        index = EventIndex(shelf)
        index.refresh()
        listed = index.page(Query(members=True), limit=LABELLED, newest_first=True)
        count = index.total(Query(members=True))
        newest = shelf.nights()[-1]
    words = [str(x) for x in Label]
    rows = [
        Opinion(
            e.infant, e.id, e.onset_ns, by, "reviewer", words[(i * (3 if by == "rolf" and i % 4 else 1)) % 12]
        )
        for i, e in enumerate(listed)
        for by in ("rita", "rolf")
    ]
    clinical = [
        Opinion(e.infant, e.id, e.onset_ns, "ruth", "reviewer", word, basis="video_eeg")
        for e, word in zip(listed, CLINICAL, strict=False)
    ]
    with Journal.amend(newest) as journal:
        journal.commit([*rows, *clinical])
    return count


async def took_s(session: aiohttp.ClientSession, path: str, *, times: int = TIMES) -> float:
    """The slowest of some times that a page took."""
    slowest = 0.0
    for _ in range(times):
        began = time.perf_counter()
        answer = await session.get(path)
        await answer.read()
        assert answer.status == 200, (path, answer.status)
        slowest = max(slowest, time.perf_counter() - began)
    return round(slowest, 3)


async def label_s(session: aiohttp.ClientSession) -> float:
    """The slowest of ten events labelled one after the other, until the next one is there."""
    slowest, page = 0.0, await session.get("/review/next")
    for _ in range(TIMES):
        text = await page.text()
        csrf = re.search(r'name="csrf" value="(\w+)"', text)
        assert csrf is not None
        form = {"csrf": csrf.group(1), "label": "movement", "basis": "sensors", "blind": "1"}
        began = time.perf_counter()
        page = await session.post(page.url.path, data=form)
        assert page.status == 200
        await page.read()
        slowest = max(slowest, time.perf_counter() - began)
    return round(slowest, 3)


async def measure(folder: Path, tokens: dict[str, str]) -> dict[str, Any]:
    with serving(folder) as (port, pid):
        researcher, caregiver = await logged_in(port, tokens["rhea"]), await logged_in(port, tokens["anna"])
        index = {
            "first_s": await took_s(caregiver, "/events", times=1),
            "second_s": await took_s(caregiver, "/events", times=1),
        }
        listed = await (await caregiver.get("/events")).text()
        [first, *_] = re.findall(r'href="/events/([^"?]+)"', listed)
        [last] = re.findall(r'href="(/events\?[^"]*after=[^"]+)"', listed)
        trends = {
            f"{w}_weeks_first_s": await took_s(caregiver, f"/trends?weeks={w}", times=1) for w in (4, 26)
        }
        first_s = {
            "/events/{event}": await took_s(caregiver, f"/events/{first}", times=1),
            "/diary": await took_s(caregiver, "/diary", times=1),
        }
        pages = {
            "/events": await took_s(caregiver, "/events"),
            "/events, older": await took_s(caregiver, last.replace("&amp;", "&")),
            "/events/{event}": await took_s(caregiver, f"/events/{first}"),
            "/diary": await took_s(caregiver, "/diary"),
            "/trends": await took_s(caregiver, "/trends"),
            "/trends, 26 weeks": await took_s(caregiver, "/trends?weeks=26"),
            "/review": await took_s(researcher, "/review"),
            "/review/{event}": await took_s(researcher, f"/review/{first}"),
        }
        figures = {
            "index": index,
            "trends": trends,
            "pages_first_s": first_s,
            "pages_slowest_s": pages,
            "label_s": await label_s(researcher),
        }
        figures["memory_most_mb"] = round(process_figures(pid)["VmHWM"])
        for session in (researcher, caregiver):
            await session.close()
    return figures


def refused_tags(folder: Path, python: str) -> dict[str, Any]:
    """Tags of the exported tables, and those that the reference validator refuses."""
    with tempfile.TemporaryDirectory() as out, Shelf(folder) as shelf:
        tables = export_review(shelf, Path(out) / "review")
        rows = [line.split("\t") for path in tables for line in path.read_text().splitlines()[1:]]
    tags = sorted({row[3] for row in rows} - {"n/a"})
    run = subprocess.run([python, "-c", _HED, *tags], capture_output=True, text=True, check=True)
    return {"rows": len(rows), "tags": tags, "refused": run.stdout.splitlines()}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--nights", type=int, default=30)
    parser.add_argument("--hed", default="", help="a Python that has hedtools")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder_name:
        base, folder = Path(folder_name) / "base.sqlite", Path(folder_name) / "nights"
        folder.mkdir()
        make_base(base)
        lay(folder, base, nights=asked.nights, raw_nights=1)
        count = label(folder)
        access = Access(folder / ACCESS_FILE)
        tokens = {
            "rhea": access.invite("rhea", Role.RESEARCHER),
            "anna": access.invite("anna", Role.CAREGIVER),
        }
        figures: dict[str, Any] = {"events": count, "nights": asked.nights, "infant": INFANT}
        figures |= asyncio.run(measure(folder, tokens))
        if asked.hed:
            figures["hed"] = refused_tags(folder, asked.hed)
    slowest = max(figures["pages_slowest_s"].values())
    holds = {
        "events": count >= LEAST_EVENTS,
        "pages": slowest <= TARGET_S,
        "hed": not asked.hed or not figures["hed"]["refused"],
    }
    figures["machine_load_average"] = round(os.getloadavg()[0], 1)
    figures["targets_hold"] = holds
    print(json.dumps(figures, indent=2))
    print(evidence.write("review", command="make bench-review", speaks_of=SPEAKS_OF, figures=figures))
    return 0 if all(holds.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
