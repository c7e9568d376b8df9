"""The parts of a URL that a connection is made of."""

from __future__ import annotations

from base64 import b64encode
from typing import NamedTuple
from urllib.parse import SplitResult, quote, unquote, urlsplit

from ...checks import shown

_PORTS = {"http": 80, "https": 443}
_SAFE = "/%:@!$&'()*+,;=~?[]|"
"""What is left as it is in a path with a query, which may be encoded already."""


class Address(NamedTuple):
    """The place that a request goes to.

    Attributes:
        secure: Whether it is encrypted.
        host: The host; an address of IPv6 without brackets.
        port: The port.
        target: The path and the query.
        authorization: The header for the user and the password in the URL; empty if there are none.
    """

    secure: bool
    host: str
    port: int
    target: str
    authorization: str = ""

    @property
    def authority(self) -> str:
        """The host for a header: with its port unless that is the default one."""
        host = bracketed(self.host)
        default = _PORTS["https" if self.secure else "http"]
        return host if self.port == default else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The URL again, encoded and without a user."""
        return f"{'https' if self.secure else 'http'}://{self.authority}{self.target}"

    @property
    def location(self) -> str:
        """The host and the port."""
        return f"{bracketed(self.host)}:{self.port}"


def parse_address(url: str) -> Address:
    """Read a URL.

    Raises:
        ValueError: It is none of HTTP.
    """
    try:
        parts = urlsplit(url)
        host, port = _ascii(parts.hostname or ""), parts.port
    except ValueError as error:
        raise ValueError(f"{shown(url)} is no URL: {error}") from error
    if parts.scheme not in _PORTS or not host:
        raise ValueError(f"a URL must be http://host or https://host, not {shown(url)}")
    target = quote(parts.path or "/", safe=_SAFE)
    if parts.query:
        target += f"?{quote(parts.query, safe=_SAFE)}"
    return Address(
        parts.scheme == "https",
        host,
        _PORTS[parts.scheme] if port is None else port,
        target,
        basic_authorization(parts),
    )


def basic_authorization(parts: SplitResult) -> str:
    """The header for the user and the password in a URL (RFC 7617); empty if there are none."""
    if parts.username is None:
        return ""
    login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return f"Basic {b64encode(login.encode()).decode()}"


def bracketed(host: str) -> str:
    """A host as it stands before a port: an address of IPv6 in brackets."""
    return f"[{host}]" if ":" in host else host


def _ascii(host: str) -> str:
    return host if host.isascii() else host.encode("idna").decode()
