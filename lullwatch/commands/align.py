"""`lullwatch align`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

__all__ = ["align"]

_LONGEST_CLIP_S = 24 * 3600.0
_WIDEST_S = 3600.0
"""Farther from the noted time than this a note is of no help; the search takes seconds for it."""


def align(
    near: str,
    *,
    first_tap: float | None = None,
    sound: Path | None = None,
    journals: Path | None = None,
    infant: str | None = None,
    night: str | None = None,
    site: str | None = None,
    within: float = 120.0,
    minutes: float = 10.0,
    by: str = "",
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
) -> int:
    """Lay a video clip beside the record: tap a sensor three times in view of the camera, and say when that was.

    The taps are found in the record near that time, to 50 ms; a note keeps where the clip begins, and what was
    recorded meanwhile is listed in the clip's own time.

    Example: lullwatch align 03:12 --first-tap 4.2

    Example: lullwatch align 03:12 --sound clip.wav --infant a

    Parameters
    ----------
    near
        Local time of the taps, as in 03:12 or 03:12:30.
    first_tap
        Seconds into the clip at which the first tap is seen.
    sound
        The clip's sound as WAV (ffmpeg -i CLIP sound.wav): the taps are then heard in it.
    journals
        The settings file or the folder of the journals; by default lullwatch.toml here, else ~/.local/share/lullwatch.
    infant
        Whose sensor was tapped.
    night
        Date of the evening; by default the newest night, or the one before while NEAR is still to come in the newest.
    site
        Which sensor was tapped: LA, RA, TR, LW, RW or HD.
    within
        Seconds around the noted time that are looked through.
    minutes
        Length of the clip.
    by
        Your id, for the note.
    as_json
        Print the result as JSON.
    """
    from datetime import time

    from dsp.records import NS, Site
    from lullwatch.aligning import align as lay
    from lullwatch.aligning import clip_time
    from lullwatch.console import say, say_json
    from lullwatch.errors import NotSaid
    from lullwatch.where import journal_folder

    if first_tap is None and sound is None:
        raise NotSaid("where in the clip the first tap is", "--first-tap SECONDS or --sound FILE.wav")
    _check("--first-tap", first_tap, least=0.0, most=_LONGEST_CLIP_S)
    _check("--within", within, least=1.0, most=_WIDEST_S)
    _check("--minutes", minutes, least=0.1, most=_LONGEST_CLIP_S / 60.0)
    try:
        at, where = time.fromisoformat(near), None if site is None else Site(site.upper())
    except ValueError as error:
        problem = f"what is meant ({error})"
        raise NotSaid(problem, "a time such as 03:12 and a site such as LA") from error
    if at.tzinfo is not None:
        problem = f"what {near} is on the clock of the night"
        raise NotSaid(problem, "the local time without a zone, such as 03:12")
    done = lay(
        journal_folder(journals), at, infant=infant, night=night, first_tap_s=first_tap, sound=sound, site=where,
        within_s=within, length_s=60.0 * minutes, by=by,
    )  # fmt: skip
    events = [
        {
            "clip_s": round(done.in_clip_s(event.onset_ns), 3),
            "duration_s": round(event.duration_s, 3),
            "pattern": event.label.wire,
            "count": event.count,
            "event": event.id,
        }
        for event in done.events
    ]
    if as_json:
        taps_s = [round(done.in_clip_s(t_ns), 3) for t_ns in done.taps.times_ns]
        say_json(
            {
                "night": done.night.name,
                "infant": done.infant,
                "begins": done.begins.isoformat(),
                "begins_ns": done.begins_ns,
                "site": done.taps.site,
                "taps_clip_s": taps_s,
                "events": events,
            }
        )
        return 0
    a, b = (gap / NS for gap in done.taps.gaps_ns)
    say(f"taps found at {done.taps.site}, {a:.2f} s and {b:.2f} s apart")
    say(f"0:00.0 of the clip is {done.begins:%Y-%m-%d %H:%M:%S.%f}"[:-4] + f" in {done.night.name}")
    for event in done.events:
        words, at_s = event.label.wire.replace("_", " "), done.in_clip_s(event.onset_ns)
        say(f"  {clip_time(at_s):>8}  {words}, {event.count} in {event.duration_s:.1f} s")
    if not events:
        say("  nothing was recorded while the clip ran")
    return 0


def _check(option: str, given: float | None, *, least: float, most: float) -> None:
    from lullwatch.errors import NotSaid

    if given is not None and not least <= given <= most:  # what is no number at all is not, either
        meant = f"what {option} {given:g} means"
        raise NotSaid(meant, f"{option} from {least:g} to {most:g}")
