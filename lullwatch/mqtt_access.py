"""From the settings to a broker's address: password, certificate authority, client certificate."""

from __future__ import annotations

import ssl
from pathlib import Path

from alerts.mqtt import BrokerAddress

from .errors import BadSettings
from .private import require_private
from .settings import BrokerSettings, read_secret

__all__ = ["broker_address"]


def broker_address(mqtt: BrokerSettings) -> BrokerAddress:
    """Where the broker is and how to be let in.

    Raises:
        BadSettings: a certificate or key cannot be used, naming the file and the remedy.
        SecretTooOpen: others may read the password or the key.
    """
    password = read_secret("LULLWATCH_MQTT_PASSWORD", mqtt.password_file)
    return BrokerAddress(mqtt.host, mqtt.port, mqtt.username, password, _tls(mqtt) if mqtt.tls else None)


def _tls(mqtt: BrokerSettings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=_path(mqtt.ca_file))
    except (OSError, ssl.SSLError) as error:
        remedy = "Give the CA's certificate in PEM form, readable by this user"
        raise BadSettings(
            Path(mqtt.ca_file or ""), f"mqtt.ca_file cannot be used ({error})", remedy
        ) from error
    if mqtt.cert_file is not None:
        _load_own(context, mqtt.cert_file, mqtt.key_file)
    return context


def _load_own(context: ssl.SSLContext, certificate: str, key: str | None) -> None:
    path = Path(_path(key) or _path(certificate) or "")
    try:
        require_private(path)
        context.load_cert_chain(_path(certificate) or "", _path(key))
    except (OSError, ssl.SSLError) as error:
        remedy = "mqtt.cert_file and mqtt.key_file must be PEM, belong together, and need no passphrase"
        raise BadSettings(path, f"the client certificate cannot be used ({error})", remedy) from error


def _path(name: str | None) -> str | None:
    return None if name is None else str(Path(name).expanduser())
