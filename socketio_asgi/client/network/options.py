"""The options of a client that concern the network."""

from __future__ import annotations

import functools
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

from ..._version import __version__
from ...checks import check_count, shown
from ...websocket.headers import is_header, is_token
from ...websocket.opening_request import OWN_HEADERS
from .proxies import parse_proxy

MAX_MESSAGE_SIZE: Final = 100 * 1024 * 1024
"""The default of the largest message, in bytes: far more than servers send, and less than fills the
memory. It is also what WebSockets of Node accept."""

ENVIRONMENT: Final = "environment"
"""The proxy that the environment names."""

USER_AGENT: Final = f"socketio-asgi/{__version__}"
"""The header of that name, unless the application has given another."""

_RESERVED = OWN_HEADERS - {b"host"} | {b"content-length", b"transfer-encoding"}


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkOptions:
    """The way of a client to its server.

    Attributes:
        headers: Headers of every request, such as ``{"Authorization": "Bearer ..."}``.
        cookies: Cookies of every request. Cookies that the server sets are kept beside them, for
            all transports: load balancers recognise a client by one.
        ssl_context: How to encrypt, for ``https``; None for the certificates that the system
            trusts. It may have a certificate of the client, or an authority of your own.
        proxy: ``"environment"`` for the proxy that the variables HTTP_PROXY, HTTPS_PROXY, ALL_PROXY
            and NO_PROXY name (on Windows and macOS also the settings of the system); None for none;
            or ``http://host:port`` or ``https://host:port``, with user and password if it wants
            them. A WebSocket asks it for a tunnel, with or without encryption.
        http_client: An ``AsyncClient`` of httpx2 or httpx for the requests of long-polling, in
            place of one that is made when there is a first request. Its TLS and its proxy are its
            own; it is not closed.
        max_message_size: The largest message or response that is accepted, in bytes; None is any.
        unix_socket: The path of a Unix socket, to connect with in place of the host in the URL.

    Raises:
        TypeError: An option is of the wrong kind.
        ValueError: It makes no sense.
    """

    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    cookies: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    ssl_context: ssl.SSLContext | None = None
    proxy: str | None = field(default=ENVIRONMENT, repr=False)
    http_client: Any = None
    max_message_size: int | None = MAX_MESSAGE_SIZE
    unix_socket: str | os.PathLike[str] | None = None

    def __post_init__(self) -> None:
        """Check them all."""
        _set(self, "headers", check_headers(self.headers))
        _set(self, "cookies", _check_cookies(self.cookies))
        if self.ssl_context is not None and not isinstance(
            cast("object", self.ssl_context), ssl.SSLContext
        ):
            raise TypeError(
                "ssl_context must be an ssl.SSLContext, such as"
                f" ssl.create_default_context(cafile=...), not {shown(self.ssl_context)}"
            )
        if self.proxy is not None and self.proxy != ENVIRONMENT:
            parse_proxy(self.proxy)
        if self.max_message_size is not None:
            count = check_count("max_message_size", self.max_message_size, "bytes")
            _set(self, "max_message_size", count)
        if self.unix_socket is not None:
            _set(self, "unix_socket", _check_path(self.unix_socket))
        if self.http_client is not None and not hasattr(self.http_client, "aclose"):
            raise TypeError(
                "http_client must be an AsyncClient of httpx2 or httpx, not"
                f" {shown(self.http_client)}"
            )

    def tls(self) -> ssl.SSLContext:
        """The context for ``https``."""
        return self.ssl_context or default_ssl_context()


@functools.cache
def default_ssl_context() -> ssl.SSLContext:
    """The context that trusts what the system trusts.

    There is one for the process: to read all certificates takes 20 ms and half a megabyte.
    """
    return ssl.create_default_context()


def check_headers(headers: object) -> dict[str, str]:
    """Check headers that are sent with every request.

    Raises:
        TypeError: They are no texts by their names.
        ValueError: One of them cannot be sent, or belongs to the protocols.
    """
    checked = _check_texts("headers", headers, '{"Authorization": "Bearer ..."}')
    for name, value in checked.items():
        try:
            line = name.encode("ascii"), value.encode("latin-1")
        except UnicodeEncodeError:
            line = b"", b""
        if not is_header(*line):
            raise ValueError(f"this cannot be sent as a header: {shown(name)}: {shown(value)}")
        if name.lower().encode() in _RESERVED:
            raise ValueError(f"the header {name} belongs to the protocol, and cannot be given")
    return checked


def _check_cookies(cookies: object) -> dict[str, str]:
    checked = _check_texts("cookies", cookies, '{"session": "..."}')
    for name, value in checked.items():
        readable = value.isascii() and value.isprintable() and not {*'";, '} & {*value}
        if not is_token(name) or not readable:
            raise ValueError(f"this cannot be sent as a cookie: {shown(name)}: {shown(value)}")
    return checked


def _check_texts(name: str, value: object, example: str) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} must be a dict such as {example}, not {shown(value)}")
    items = dict(cast("Mapping[object, object]", value))
    for key, text in items.items():
        if not isinstance(key, str) or not isinstance(text, str):
            raise TypeError(
                f"{name} must hold texts, such as {example}, not {shown(key)}: {shown(text)}"
            )
    return cast("dict[str, str]", items)


def _check_path(path: object) -> str:
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"unix_socket must be a path, not {shown(path)}")
    return os.fspath(cast("str | os.PathLike[str]", path))


def _set(options: NetworkOptions, name: str, value: object) -> None:
    object.__setattr__(options, name, value)
