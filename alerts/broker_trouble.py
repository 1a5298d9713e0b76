"""Why a broker cannot be used, in words with a remedy: for the technical alert, the log and `check`."""

from __future__ import annotations

import asyncio
import socket
import ssl
from dataclasses import dataclass

from aiomqtt.exceptions import MqttCodeError, MqttConnectError
from paho.mqtt.reasoncodes import ReasonCode

__all__ = ["BrokerAddress", "Refusal", "looked_into"]

_LOOK_S = 3.0
"""A broker that refuses a certificate says so within milliseconds of the handshake. Real time."""
_EXPIRED, _NOT_YET_VALID, _OTHER_NAME = 10, 9, 62
"""X509_V_ERR_* numbers of OpenSSL."""
_BAD_LOGIN = (4, 5, 134, 135)
"""CONNACK codes of MQTT 3.1.1 and of MQTT 5: bad user name or password, not authorised."""
_NO_TLS = "does not speak TLS on this port: use its TLS port (mostly 8883) in mqtt.port"


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where the broker is and how to be let in."""

    host: str
    port: int = 1883
    username: str | None = None
    password: str | None = None
    tls: ssl.SSLContext | None = None
    """None: unencrypted, for the loopback only"""

    def __repr__(self) -> str:
        return f"BrokerAddress({self.host!r}, {self.port})"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why there is no connection."""

    why: str
    """what was found, and what to do"""
    lasting: bool
    """waiting does not mend it: somebody has to"""


async def looked_into(error: Exception, broker: BrokerAddress) -> Refusal:
    """The cause of a failed or lost connection; looks at the broker once more where the error does not say."""
    place = f"the broker at {broker.host}:{broker.port}"
    # only an answer to CONNECT: the client's own errors have numbers too, and 4 of them is a lost connection
    if isinstance(error, MqttConnectError) and _code(error) in _BAD_LOGIN:
        return Refusal(_bad_login(place, broker), lasting=True)
    if isinstance(error, ValueError):
        return Refusal(f"{place} cannot be spoken to ({error}): check mqtt.host", lasting=False)
    # what the client raised is not handed on as a cause; a time-out of its own says nothing
    cause = error if isinstance(error, OSError) else error.__context__
    if broker.tls is not None and (isinstance(cause, TimeoutError) or not isinstance(cause, OSError)):
        cause = await _handshake_failure(broker)
    if isinstance(cause, ssl.SSLError):
        return Refusal(f"{place} {_tls_words(cause, broker.host)}", lasting=True)
    if broker.tls is not None and isinstance(cause, ConnectionResetError):
        return Refusal(f"{place} {_NO_TLS}", lasting=False)
    return Refusal(f"{place} {_network_words(cause, error)}", lasting=isinstance(cause, socket.gaierror))


def _bad_login(place: str, broker: BrokerAddress) -> str:
    given = f"user {broker.username!r}" if broker.username else "no user name (mqtt.username)"
    return (
        f"{place} refuses {given}: check mqtt.username and mqtt.password_file (or LULLWATCH_MQTT_PASSWORD) against "
        f"the broker's password file"
    )


def _tls_words(cause: ssl.SSLError, host: str) -> str:
    if isinstance(cause, ssl.SSLCertVerificationError):
        return _certificate_words(cause, host)
    said = (cause.reason or str(cause)).upper()
    if "CERTIFICATE_EXPIRED" in said:
        return "says that this gateway's certificate has expired: renew mqtt.cert_file"
    if "CERTIFICATE_REQUIRED" in said or "HANDSHAKE_FAILURE" in said:
        return "asks for a client certificate: set mqtt.cert_file and mqtt.key_file"
    if "UNKNOWN_CA" in said or "BAD_CERTIFICATE" in said or "CERTIFICATE_UNKNOWN" in said:
        return "does not trust this gateway's certificate: have mqtt.cert_file signed by the broker's own CA"
    if "WRONG_VERSION_NUMBER" in said or "UNEXPECTED_EOF" in said or "RECORD_LAYER_FAILURE" in said:
        return _NO_TLS
    return f"could not agree on encryption ({cause.reason or cause}): compare mqtt.ca_file and the broker's settings"


def _certificate_words(cause: ssl.SSLCertVerificationError, host: str) -> str:
    match cause.verify_code:
        case n if n == _EXPIRED:
            return "has a certificate that has expired: renew it there, and see that this computer's clock is right"
        case n if n == _NOT_YET_VALID:
            return "has a certificate that is not valid yet: see that this computer's clock is right"
        case n if n == _OTHER_NAME:
            return (
                f"has a certificate for another name than {host}: use the name it was made for in mqtt.host"
            )
    return (
        f"has a certificate that this computer does not trust ({cause.verify_message}): set mqtt.ca_file to the CA "
        f"that signed it"
    )


def _network_words(cause: BaseException | None, error: Exception) -> str:
    match cause:
        case ConnectionRefusedError():
            return "is not running, or listens on another port: start it, check mqtt.port"
        case socket.gaierror():
            return "cannot be found by its name: check mqtt.host and the network"
        case OSError() if not isinstance(cause, TimeoutError):
            return f"cannot be reached ({cause.strerror or cause}): check the network between here and there"
    return f"does not answer ({error}): see that it runs and is not overloaded"


async def _handshake_failure(broker: BrokerAddress) -> OSError | None:
    """What the broker says to a bare TLS connection: with TLS 1.3 it judges our certificate after the handshake."""
    try:
        async with asyncio.timeout(_LOOK_S):
            reader, writer = await asyncio.open_connection(broker.host, broker.port, ssl=broker.tls)
            try:
                await reader.read(1)
            finally:
                writer.close()
    except TimeoutError:
        return None
    except OSError as error:
        return error
    return None


def _code(error: MqttCodeError) -> int | None:
    return error.rc.value if isinstance(error.rc, ReasonCode) else error.rc
