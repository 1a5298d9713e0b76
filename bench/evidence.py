"""Evidence of the slow tiers: written by them, and listed here with what has changed since.

python bench/evidence.py        lists docs/evidence/*.json and the code that is newer than each
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "evidence"


def git(*words: str) -> str:
    """Output of a git command in the project, without the last newline."""
    run = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True)
    return run.stdout.rstrip("\n")


def write(tier: str, *, command: str, speaks_of: Sequence[str], figures: Mapping[str, Any]) -> Path:
    """Write docs/evidence/<tier>.json: the figures, and on which commit and machine they were measured.

    Args:
        tier: name of the make target.
        command: what prints the figures.
        speaks_of: paths whose change makes the figures old.
        figures: the measured values.
    """
    dirty = git("status", "--porcelain", "--untracked-files=no", "--", *speaks_of)
    machine = f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
    record = {
        "tier": tier,
        "commit": git("rev-parse", "HEAD") + ("+changes" if dirty else ""),
        "command": command,
        "machine": machine,
        "speaks_of": list(speaks_of),
        "figures": dict(figures),
    }
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{tier}.json"
    path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return path


def newer_than(record: Mapping[str, Any]) -> list[str]:
    """Files among those the evidence speaks of that changed after it was measured."""
    commit = str(record["commit"])
    try:
        changed = git("diff", "--name-only", commit.removesuffix("+changes"), "--", *record["speaks_of"])
    except subprocess.CalledProcessError:
        return ["everything: its commit is not in this clone"]
    return changed.splitlines() + (
        ["it was measured on uncommitted changes"] if commit.endswith("+changes") else []
    )


def main() -> int:
    """List the evidence and its age."""
    files = sorted(FOLDER.glob("*.json"))
    for path in files:
        record = json.loads(path.read_text(encoding="utf-8"))
        newer = newer_than(record)
        age = "current" if not newer else f"older than {len(newer)} file(s): {', '.join(newer[:4])}"
        print(f"evidence {record['tier']:<20} {record['commit'][:10]}  {age}")
    if not files:
        print("evidence: none yet; the slow tiers write it")
    return 0


if __name__ == "__main__":
    sys.exit(main())
