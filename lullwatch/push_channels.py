"""From the settings to the push services that people are told over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from alerts.push import BadPushAddress, LinkOf, NoPushSupport, PushChannel

from .errors import BadPush
from .settings import PushSettings, read_secret

__all__ = ["address_of", "push_channels"]


def push_channels(
    push: Sequence[PushSettings], *, link_of: LinkOf | None = None
) -> Mapping[str, PushChannel]:
    """A channel for each service, by name.

    Raises:
        BadPush: an address is missing or wrong, or apprise is not installed.
        BadSettings, SecretTooOpen: the file with the address cannot be used.
    """
    return {service.name: _channel(service, link_of) for service in push}


def address_of(service: PushSettings) -> str:
    """The address of a service, which is a secret.

    Raises:
        BadPush: there is none.
        BadSettings, SecretTooOpen: the file with it cannot be used.
    """
    variable = f"LULLWATCH_PUSH_{service.name.upper().replace('-', '_')}"
    address = read_secret(variable, service.address_file)
    if not address:
        what = f"push channel {service.name} has no address: set address_file (mode 0600) or {variable}"
        raise BadPush(what)
    return address


def _channel(service: PushSettings, link_of: LinkOf | None) -> PushChannel:
    try:
        return PushChannel(service.name, address_of(service), link_of=link_of)
    except (BadPushAddress, NoPushSupport) as error:
        raise BadPush(str(error)) from None
