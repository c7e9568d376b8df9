"""The address of a server, as an application writes it.

Source: https://socket.io/docs/v4/client-initialization/#from-a-different-domain
"""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

from ..checks import check_text, shown

_SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}


class Address(NamedTuple):
    """The parts of an address.

    Attributes:
        origin: Scheme (``http`` or ``https``), host and port, and a user for the server or what is
            before it.
        namespace: The namespace, which is the path of the address.
        query: The query.
    """

    origin: str
    namespace: str
    query: dict[str, str]


def parse_address(url: str) -> Address:
    """Read an address such as ``https://example.com/admin?token=abc``.

    Raises:
        TypeError: It is not text.
        ValueError: It is no such address.
    """
    check_text("url", url)
    parts = urlsplit(url)
    scheme = _SCHEMES.get(parts.scheme)
    if scheme is None or not parts.hostname:
        raise ValueError(
            f"the url of a server is like https://example.com or ws://localhost:3000, not"
            f" {shown(url)}"
        )
    try:
        port = parts.port
    except ValueError as error:
        raise ValueError(f"the url {shown(url)} has no valid port: {error}") from None
    if port == 0:
        raise ValueError(f"the url {shown(url)} has no valid port")
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    return Address(f"{scheme}://{parts.netloc}", parts.path or "/", query)


def engine_path(path: str) -> str:
    """The path of the server, with its slashes.

    Raises:
        TypeError: It is not text.
        ValueError: It holds a query.
    """
    check_text("path", path)
    if "?" in path or "#" in path:
        raise ValueError(f"the path must not hold a query: {shown(path)}; there is query={{...}}")
    return f"/{path.strip('/')}/" if path.strip("/") else "/"
