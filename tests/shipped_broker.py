"""Mosquitto with the files of deploy/mosquitto, and certificates of every kind of wrongness."""

from __future__ import annotations

import datetime
import ipaddress
import os
import signal
import subprocess
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from lullwatch.local_brokers import LocalMosquitto
from lullwatch.programs import Found

DEPLOY = Path(__file__).resolve().parents[1] / "deploy" / "mosquitto"
USERS = ("gateway", "caregiver", "homeassistant", "dashboard")


class ShippedMosquitto(LocalMosquitto):
    """Started with exactly what we ship; only the folders, the port and, for root, the user are those of the test."""

    def __init__(self, folder: Path, program: Found, *, client_certificates: bool = False) -> None:
        super().__init__(folder, program=program)
        self._client_certificates = client_certificates

    @property
    def certs(self) -> Path:
        return self.folder / "certs"

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self.certs.exists():
            make = [str(DEPLOY / "make-certificates"), str(self.certs), "127.0.0.1", "gateway"]
            subprocess.run(make, check=True, capture_output=True)
            (self.folder / "data").mkdir()
            for name in USERS:
                self._add_user(name, f"secret-{name}")
            for kept in ("acl", "passwd"):
                (self.folder / kept).chmod(0o600)
        super().start()

    def read_anew(self) -> None:
        """Take in changed passwords and access rules, as `systemctl reload` does."""
        assert self._process is not None
        assert self._process.pid is not None
        os.kill(self._process.pid, signal.SIGHUP)

    def as_user(self, name: str) -> list[str]:
        """What mosquitto_sub and mosquitto_pub need to come in as somebody."""
        return ["--cafile", str(self.certs / "ca.crt"), "-u", name, "-P", f"secret-{name}"]

    def _add_user(self, name: str, password: str) -> None:
        (self.folder / "acl").write_text((DEPLOY / "acl").read_text())
        passwords = self.folder / "passwd"
        passwords.touch(mode=0o600)
        line = [str(self.program.sibling("mosquitto_passwd")), "-b", str(passwords), name, password]
        subprocess.run(line, env=self.program.environment(), capture_output=True, check=True)

    def _configuration(self) -> str:
        text = (DEPLOY / "mosquitto.conf").read_text()
        changed = {
            "/etc/mosquitto/": f"{self.folder}/",
            "/var/lib/mosquitto/": f"{self.folder}/data/",
            "listener 8883": f"listener {self.port} 127.0.0.1",
            "user mosquitto": "user root" if os.geteuid() == 0 else "",
        }
        if self._client_certificates:
            changed |= {"#require_": "require_", "#use_": "use_", f"password_file {self.folder}/passwd": ""}
        for old, new in changed.items():
            assert old in text, f"{old} is no longer in the shipped file"
            text = text.replace(old, new)
        return text


Issued = tuple[x509.Certificate, ec.EllipticCurvePrivateKey]


def issued(name: str, by: Issued | None = None, *, days: tuple[int, int] = (-1, 30)) -> Issued:
    """A certificate valid from and to so many days from now; one that is nobody else's signs itself and others."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(tz=datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by[0].subject if by else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + datetime.timedelta(days=days[0]))
        .not_valid_after(now + datetime.timedelta(days=days[1]))
        .add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName(name)]
            ),
            critical=False,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return builder.sign(by[1] if by else key, hashes.SHA256()), key


def written(folder: Path, name: str, pair: Issued) -> tuple[Path, Path]:
    """A certificate and its key as files."""
    certificate, key = folder / f"{name}.crt", folder / f"{name}.key"
    certificate.write_bytes(pair[0].public_bytes(serialization.Encoding.PEM))
    pem, plain = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    key.write_bytes(pair[1].private_bytes(pem, plain, serialization.NoEncryption()))
    key.chmod(0o600)
    return certificate, key
