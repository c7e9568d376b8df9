"""The proxy on the way to a server, and the request for a tunnel through it.

Source: RFC 9110, section 9.3.6 (CONNECT)
"""

from __future__ import annotations

import os
import re
import ssl
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from ...checks import shown
from ...exceptions import TransportError
from ...runtime.links import Endpoint, Receive
from ...websocket.headers import split_head
from .address import Address, basic_authorization, bracketed
from .failures import reason_of

_STATUS_LINE = re.compile(r"HTTP/1\.[01] (([0-9]{3})(?: .*)?)")
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy.

    Attributes:
        url: Its URL, with the user and the password.
        secure: Whether it is reached by TLS itself.
        host: Its host.
        port: Its port.
        authorization: The header for user and password; empty if there are none.
    """

    url: str
    secure: bool
    host: str
    port: int
    authorization: str

    @property
    def location(self) -> str:
        """Its host and port."""
        return f"{bracketed(self.host)}:{self.port}"

    def endpoint(self, tls: Callable[[], ssl.SSLContext]) -> Endpoint:
        """The address, for a connection."""
        return Endpoint(host=self.host, port=self.port, tls=tls() if self.secure else None)


def parse_proxy(url: object) -> Proxy:
    """Read the URL of a proxy.

    Raises:
        TypeError: It is no text.
        ValueError: It is no URL of an HTTP proxy.
    """
    right = 'proxy must be "http://host:port", "https://host:port", "environment" or None'
    if not isinstance(url, str):
        raise TypeError(f"{right}, not {shown(url)}")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(f"{right}: {error}") from error
    if parts.scheme not in _PORTS or not host:
        shorn = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
        raise ValueError(f"{right}, not {shown(shorn)}")
    return Proxy(
        url, parts.scheme == "https", host, port or _PORTS[parts.scheme], basic_authorization(parts)
    )


def proxy_of_environment(address: Address) -> Proxy | None:
    """The proxy that the environment names for a server.

    Raises:
        TransportError: It is of a kind that is not supported.
    """
    if sys.platform not in {"darwin", "win32"} and not any(
        name.lower().endswith("_proxy") for name in os.environ
    ):
        return None  # nearly always; the module that knows more is a large one
    from urllib.request import getproxies, proxy_bypass

    proxies = getproxies()
    url = proxies.get("https" if address.secure else "http") or proxies.get("all")
    if not url or proxy_bypass(f"{address.host}:{address.port}"):
        return None
    try:
        return parse_proxy(url if "://" in url else f"http://{url}")
    except ValueError as error:
        raise TransportError(
            f"cannot reach {address.location}: the environment names a proxy that is not supported;"
            f" {error}"
        ) from error


async def ask_for_tunnel(
    proxy: Proxy, address: Address, send: Callable[[bytes], Awaitable[None]], receive: Receive
) -> None:
    """Let a proxy connect with a server.

    Raises:
        TransportError: It does not do so.
    """
    lines = [f"CONNECT {address.location} HTTP/1.1", f"Host: {address.location}"]
    if proxy.authorization:
        lines.append(f"Proxy-Authorization: {proxy.authorization}")
    await send("\r\n".join([*lines, "", ""]).encode())
    data = b""
    try:
        while (found := split_head(data)) is None:
            more = await receive()
            if not more:
                raise _refused(proxy, "it closed the connection")
            data += more
    except ValueError as error:
        raise _refused(proxy, str(error)) from error
    head, rest = found
    line = head.partition(b"\r\n")[0].decode("latin-1")
    match = _STATUS_LINE.fullmatch(line)
    if match is None:
        raise _refused(proxy, f"it answered {shown(line)}")
    if not match[1].startswith("2"):
        raise _refused(proxy, f"it answered {match[1]}", int(match[2]))
    if rest:
        raise _refused(proxy, "it sent more than an answer")


def cannot_reach(address: Address, proxy: Proxy | None, error: Exception) -> str:
    """The text of an error: no connection with a server could be made."""
    way = "" if proxy is None else f" by the proxy {proxy.location}"
    return f"cannot reach {address.location}{way}: {reason_of(error)}"


def _refused(proxy: Proxy, problem: str, status: int | None = None) -> TransportError:
    return TransportError(f"the proxy {proxy.location} gave no tunnel: {problem}", status)
