"""`lullwatch pause`, `lullwatch arm`, `lullwatch disarm` and `lullwatch status`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

__all__ = ["arm", "disarm", "pause", "status"]

_Flag = Annotated[bool, Parameter(negative="")]
_BY = "command-line"


def pause(
    settings: Path,
    /,
    *,
    minutes: int = 20,
    infant: str = "",
    reason: Literal["bath", "feed", "care"] = "care",
    resume: _Flag = False,
    json: _Flag = False,
) -> int:
    """Be called by no sensor that is off, for some minutes; it resumes by itself.

    Everything is recorded meanwhile, and what is urgent rings all the same.

    Example: lullwatch pause lullwatch.toml --minutes 20 --reason bath

    Parameters
    ----------
    settings
        The settings file.
    minutes
        How long, an hour at most.
    infant
        Only this infant; all of them when left out.
    reason
        What for; stands in the journal.
    resume
        End a pause now.
    json
        Print for machines.
    """
    answer = _ask(settings, "pause", infant=infant, minutes=0 if resume else minutes, reason=reason, by=_BY)
    return _tell(answer, json=json)


def arm(settings: Path, /, *, infant: str = "", json: _Flag = False) -> int:
    """Rely on being called from now on, whatever the schedule says, until it changes next.

    Example: lullwatch arm lullwatch.toml

    Parameters
    ----------
    settings
        The settings file.
    infant
        Only this infant; all of them when left out.
    json
        Print for machines.
    """
    return _tell(_ask(settings, "arm", infant=infant, armed=True, by=_BY), json=json)


def disarm(settings: Path, /, *, infant: str = "", json: _Flag = False) -> int:
    """Do not rely on being called until armed again, or until the schedule arms next.

    Everything is recorded meanwhile, and what is urgent rings all the same.

    Example: lullwatch disarm lullwatch.toml

    Parameters
    ----------
    settings
        The settings file.
    infant
        Only this infant; all of them when left out.
    json
        Print for machines.
    """
    return _tell(_ask(settings, "arm", infant=infant, armed=False, by=_BY), json=json)


def status(settings: Path, /, *, json: _Flag = False) -> int:
    """How the monitor stands: who is watched, every sensor's link, open alerts, technical trouble.

    Exit status 1 when there is trouble or an alert that nobody has answered.

    Example: lullwatch status lullwatch.toml

    Parameters
    ----------
    settings
        The settings file.
    json
        Print for machines.
    """
    from lullwatch.console import say, say_json

    answer = _ask(settings, "status")
    if json:
        say_json(answer)
        return int(bool(answer["troubles"] or answer["alerts"]))
    say(f"gateway {answer['gateway']} at {answer['at']}; broker: {answer['broker'] or 'none'}")
    for infant, stands in answer["infants"].items():
        say(f"infant {infant}: {_watching(stands['watching'])}")
        for link in stands["links"]:
            battery = "" if link["battery"] is None else f", battery {link['battery']} of 100"
            say(f"  {link['site']} {link['sensor']}: {link['state']}{battery}, {link['lost']} packets lost")
    for trouble in answer["troubles"]:
        what = " ".join(filter(None, (trouble["kind"], trouble["infant"], trouble["detail"])))
        say(f"trouble: {what} since {trouble['since']}")
    for alert in answer["alerts"]:
        whose = f"of infant {alert['infant']}" if alert["infant"] else "of this gateway"
        say(f"nobody has answered: {alert['severity']} {alert['id']} {whose}")
    return int(bool(answer["troubles"] or answer["alerts"]))


def _ask(settings: Path, what: str, **more: object) -> dict[str, Any]:
    import asyncio

    from lullwatch.control import ask
    from lullwatch.settings import load

    folder = Path(load(settings).journal_dir).expanduser()
    return asyncio.run(ask(folder, what, timeout_s=30.0, **more))


def _tell(answer: dict[str, Any], *, json: bool) -> int:
    from lullwatch.console import complain, say, say_json

    if json:
        say_json(answer)
    elif answer.get("ok"):
        for infant, watching in answer["infants"].items():
            say(f"infant {infant}: {_watching(watching)}")
    else:
        complain(f"{answer.get('why')}; {answer.get('remedy')}")
    return 0 if answer.get("ok") else 1


def _watching(said: dict[str, Any]) -> str:
    until = f" until {said['until']}" if said["until"] else ""
    reason = f" ({said['reason']})" if said["reason"] else ""
    return f"{said['state']}{until}{reason}"
