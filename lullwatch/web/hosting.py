"""From settings, or a folder of journals, to a site and an address; and who may be let in."""

from __future__ import annotations

import re
import ssl
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from alerts.words import PLAIN_ENGLISH
from lullwatch.errors import NothingRecorded
from lullwatch.private import require_private
from lullwatch.settings import GatewaySettings, PageSettings, load
from lullwatch.where import is_settings
from store.shelf import Shelf

from .access import ACCESS_FILE, Access
from .errors import BadCertificate, NobodyInvited, StrangePerson
from .session import Role
from .site import Site, monitor_asker

__all__ = ["Hosting", "hosting_of"]

_PERSON = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")


@dataclass(frozen=True, slots=True)
class Hosting:
    """What is served, and where."""

    site: Site
    page: PageSettings
    settings: GatewaySettings | None = None

    @property
    def address(self) -> str:
        """What a browser on this computer is given."""
        host = "localhost" if self.page.host in ("127.0.0.1", "::1", "0.0.0.0", "::") else self.page.host  # noqa: S104 - compared
        named = self.site.names[0] if self.site.names and self.site.secure else host
        return f"{'https' if self.site.secure else 'http'}://{named}:{self.page.port}/"

    def invite(self, person: str, role: Role) -> str:
        """A new token for a person. Raises StrangePerson."""
        people = [] if self.settings is None else [p.id for p in self.settings.people]
        if role is Role.CAREGIVER and people and person not in people:
            raise StrangePerson(person, people)
        if not _PERSON.fullmatch(person):
            raise StrangePerson(person, ())
        return self.site.access.invite(person, role)

    def check(self) -> ssl.SSLContext | None:
        """The certificate, if there is one; whatever would leave the door open is refused.

        Raises:
            LullwatchError: nobody is invited to pages on a network, or the certificate or its key cannot be used.
        """
        if self.page.cert_file is None:
            return None
        if not self.site.access.people:
            raise NobodyInvited(self.page.host, self.site.access.path)
        return _certificate(self.page.cert_file, self.page.key_file)

    def beside(self) -> AbstractContextManager[object]:
        """What else this process does: the copy into the database, and the sealing of nights."""
        if self.settings is None:
            return nullcontext()
        from lullwatch.housekeeping import Housekeeping  # brings the database client along

        return Housekeeping(self.settings)


def hosting_of(source: Path, *, port: int | None = None) -> Hosting:
    """What a settings file, a folder of journals or one journal asks to be served.

    Raises:
        LullwatchError: the settings cannot be used, or there is no such folder.
    """
    if not is_settings(source):
        folder = source.parent if source.suffix == ".sqlite" else source
        if not folder.is_dir():
            raise NothingRecorded(folder)
        page = PageSettings(port=port or PageSettings().port)
        return Hosting(_site(source, Access(folder / ACCESS_FILE), page, None), page)
    settings = load(source)
    page = settings.page if port is None else _on_port(settings.page, port)
    journals = Path(settings.journal_dir).expanduser()
    access = Path(page.access_file).expanduser() if page.access_file else journals / ACCESS_FILE
    return Hosting(_site(journals, Access(access), page, settings), page, settings)


def _site(journals: Path, access: Access, page: PageSettings, settings: GatewaySettings | None) -> Site:
    is_file = journals.suffix == ".sqlite"
    shelf = Shelf.around(journals) if is_file else Shelf(journals)
    return Site(
        folder=journals,
        shelf=shelf,
        access=access,
        asker=monitor_asker(journals.parent if is_file else journals),
        wording=PLAIN_ENGLISH if settings is None else settings.wording,
        infants=() if settings is None else tuple(infant.id for infant in settings.infants),
        zone=None if settings is None else settings.zone,
        people=() if settings is None else tuple(p.person for p in settings.people),
        names=page.names,
        secure=page.cert_file is not None,
    )


def _on_port(page: PageSettings, port: int) -> PageSettings:
    from msgspec import structs

    return structs.replace(page, port=port)


def _certificate(cert_file: str, key_file: str | None) -> ssl.SSLContext:
    cert, key = (Path(name).expanduser() for name in (cert_file, key_file or cert_file))
    try:
        require_private(key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(cert, key)
    except (OSError, ssl.SSLError) as error:
        raise BadCertificate(str(cert), error.strerror or str(error)) from error
    return context
