"""Certificates for servers on 127.0.0.1, and for what is wrong with others."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from .ports import HOST

DAY = dt.timedelta(days=1)


def make_certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for the address of the tests, with its key in the same file.

    It is the function of a fixture:

    >>> certificate = pytest.fixture(scope="module")(make_certificate)
    """
    return write_certificate(tmp_path_factory.mktemp("tls"))


def write_certificate(folder: Path, *names: str, expired: bool = False) -> Path:
    """Make a self-signed certificate, with its key in the same file.

    Args:
        folder: Where to write it.
        names: The hosts that it is for; without any, the address of the tests.
        expired: Whether it was valid up to yesterday.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "tests")])
    now = dt.datetime.now(dt.UTC)
    address = x509.IPAddress(ipaddress.ip_address(HOST))
    hosts: list[x509.GeneralName] = [x509.DNSName(host) for host in names]
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - 3 * DAY)
        .not_valid_after(now - DAY if expired else now + DAY)
        .add_extension(x509.SubjectAlternativeName(hosts or [address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    pem = serialization.Encoding.PEM
    private = serialization.PrivateFormat.PKCS8
    path.write_bytes(
        key.private_bytes(pem, private, serialization.NoEncryption()) + signed.public_bytes(pem)
    )
    return path


def server_tls(certificate: Path) -> ssl.SSLContext:
    """The context of a server that has a certificate."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context


def client_tls(certificate: Path) -> ssl.SSLContext:
    """The context of a client that trusts one certificate, and no other."""
    return ssl.create_default_context(cafile=str(certificate))
