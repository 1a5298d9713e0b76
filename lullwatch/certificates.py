"""Until when certificates are valid: of files, and of servers that show theirs.

References:
    RFC 5280, 4.1: where a certificate says from when to when it is valid
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

__all__ = ["NoCertificate", "expires", "file_expires", "server_expires"]

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_VERSION, _UTC_TIME, _GENERAL_TIME = 0xA0, 0x17, 0x18


class NoCertificate(Exception):
    """Where a certificate was looked for there is none; the message says where and what."""

    def __init__(self, where: str, *, why: str) -> None:
        super().__init__(f"{where}: {why}")


def file_expires(path: Path) -> datetime:
    """When the first certificate of a PEM file ends that ends at all.

    Raises:
        NoCertificate: there is none that can be read.
    """
    try:
        found = _PEM.findall(path.read_text(encoding="ascii"))
    except (OSError, UnicodeDecodeError) as error:
        raise NoCertificate(str(path), why=str(error)) from error
    if not found:
        raise NoCertificate(str(path), why="no certificate in PEM form is in it")
    try:
        return min(expires(ssl.PEM_cert_to_DER_cert(pem)) for pem in found)
    except ValueError as error:
        raise NoCertificate(str(path), why=f"a damaged certificate ({error})") from error


def server_expires(host: str, port: int, *, timeout_s: float) -> datetime:
    """When the certificate ends that a server shows; whether it is trusted is not asked here.

    Raises:
        NoCertificate: the server shows none.
    """
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # its date is looked at; the real connection checks everything
    try:
        with (
            socket.create_connection((host, port), timeout=timeout_s) as line,
            context.wrap_socket(line, server_hostname=host) as shown,
        ):
            der = shown.getpeercert(binary_form=True)
        return expires(der or b"")
    except (OSError, ValueError) as error:
        where = f"{host}:{port}"
        raise NoCertificate(where, why=str(error) or type(error).__name__) from error


def expires(der: bytes) -> datetime:
    """When a certificate ends. Raises ValueError when the bytes are none."""
    try:
        _, certificate = next(_parts(der))
        _, signed = next(_parts(certificate))
        # serial number, algorithm, issuer, validity
        fields = [content for tag, content in _parts(signed) if tag != _VERSION]
        kind, text = list(_parts(fields[3]))[1]
    except (StopIteration, IndexError, ValueError) as error:
        message = "not laid out as a certificate is"
        raise ValueError(message) from error
    form = {_UTC_TIME: "%y%m%d%H%M%SZ", _GENERAL_TIME: "%Y%m%d%H%M%SZ"}.get(kind, "")
    return datetime.strptime(text.decode("ascii"), form).replace(tzinfo=UTC)


def _parts(der: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and content of what lies one after the other."""
    at = 0
    while at < len(der):
        tag, length, at = der[at], der[at + 1], at + 2
        if length & 0x80:
            size = length & 0x7F
            length, at = int.from_bytes(der[at : at + size]), at + size
        if at + length > len(der):
            message = "it is cut short"
            raise ValueError(message)
        yield tag, der[at : at + length]
        at += length
