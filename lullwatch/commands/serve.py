"""`lullwatch serve`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

if TYPE_CHECKING:
    from lullwatch.web.hosting import Hosting

__all__ = ["serve", "serve_until_stopped"]

_Flag = Annotated[bool, Parameter(negative="")]


def serve(
    settings: Path | None = None,
    /,
    *,
    journals: Path | None = None,
    port: int | None = None,
    invite: str | None = None,
    role: Literal["caregiver", "viewer", "researcher"] = "caregiver",
    shut_out: str | None = None,
    people: _Flag = False,
    json_logs: _Flag = False,
    verbose: _Flag = False,
) -> int:
    """Serve the pages: tonight, the nights, the diary. On this computer alone unless the settings give a certificate.

    Whoever looks needs a token of their own. With --invite one is made and printed, once; with --shut-out it counts
    no more, and open pages of this person close. Caregivers answer alerts, viewers look, researchers label events.

    Example: lullwatch serve lullwatch.toml

    Example: lullwatch serve lullwatch.toml --invite a1 --role caregiver

    Example: lullwatch serve --journals lullwatch-demo --port 8081

    Parameters
    ----------
    settings
        The settings file; its table [page] says where to listen.
    journals
        Instead of settings: a folder of journals, or one journal. Nothing is copied or sealed then.
    port
        Instead of the one of the settings.
    invite
        Id of a person, never a name: print a new token for them and end.
    role
        Of the person who is invited.
    shut_out
        Id of a person who may look no more.
    people
        List who may look, and end.
    json_logs
        Log one JSON object a line.
    verbose
        Log every request, without what stands behind a question mark.
    """
    from lullwatch.json_logs import begin_log

    hosting = _hosting(settings, journals, port)
    if invite is not None:
        return _invite(hosting, invite, role)
    if shut_out is not None:
        return _shut_out(hosting, shut_out)
    if people:
        return _list_people(hosting)
    begin_log(as_json=json_logs)
    return _serve(hosting, verbose=verbose)


def serve_until_stopped(settings: Path) -> int:
    """The pages of a settings file in a process whose log has begun. Raises LullwatchError as `serve` does."""
    return _serve(_hosting(settings, None, None), verbose=False)


def _invite(hosting: Hosting, person: str, role: str) -> int:
    from lullwatch.console import say
    from lullwatch.web.session import Role

    token = hosting.invite(person, Role(role))
    say(f"{person} may look as {role}. This token is shown once; nobody can read it anywhere later:")
    say(token)
    return 0


def _shut_out(hosting: Hosting, person: str) -> int:
    from lullwatch.console import say

    known = hosting.site.access.shut_out(person)
    say(f"{person} may look no more." if known else f"{person} was not invited.")
    return 0 if known else 1


def _list_people(hosting: Hosting) -> int:
    from lullwatch.console import say

    for person, kept in sorted(hosting.site.access.people.items()):
        say(f"{person}\t{kept.role}")
    return 0


def _hosting(settings: Path | None, journals: Path | None, port: int | None) -> Hosting:
    from lullwatch.web.errors import NothingToServe, WebExtraMissing

    source = settings or journals
    if source is None or (settings is not None and journals is not None):
        raise NothingToServe
    try:
        from lullwatch.web.hosting import hosting_of
    except ModuleNotFoundError as error:
        raise WebExtraMissing(error.name or "a library") from error
    return hosting_of(source, port=port)


def _serve(hosting: Hosting, *, verbose: bool) -> int:
    import logging

    from lullwatch.console import say
    from lullwatch.steady_memory import give_back_what_is_freed
    from lullwatch.web.serving import serve as serve_pages
    from lullwatch.web.uplot.fetch import UplotMissing, is_here

    give_back_what_is_freed()
    log = logging.getLogger("lullwatch.web")
    log.setLevel(logging.DEBUG if verbose else logging.INFO)
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    if not is_here():
        log.warning("%s", UplotMissing("it was not there when lullwatch was installed"))
    if not hosting.site.access.people:
        how = "lullwatch serve SETTINGS --invite PERSON --role caregiver"
        log.warning("nobody can log in yet", extra={"do": how})
    serve_pages(hosting, began=lambda address: say(f"pages at {address} (Ctrl-C ends)"))
    return 0
