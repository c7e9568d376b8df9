"""The web pages that may connect: the Origin check of all transports, and the headers of CORS.

The check is made by the server, before anything else happens, because browsers make none for
WebSocket. Source: https://socket.io/docs/v4/handling-cors/ and RFC 6454, section 4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...checks import check_count, check_flag, check_texts, made_of
from ...websocket.headers import Header, is_token
from .origins import OriginPolicy, checked_policy, lists
from .request import DEFAULT_PORTS, EngineRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Cors:
    """The other origins that may connect, and the headers that tell browsers so.

    The server's own origin (host and port of ``Origin`` equal to ``Host``) is always allowed, and
    so are clients that send no ``Origin``, because they are not browsers.

    Args:
        origins: The other origins that may connect; None allows none.
        methods: The methods that a preflight answer permits.
        allowed_headers: The request headers that a preflight answer permits; None permits those
            that were asked for.
        exposed_headers: The response headers that scripts may read.
        credentials: Whether browsers may send cookies.
        max_age: The time that browsers may keep a preflight answer, in seconds.
        headers: False sends no headers at all, for an application that has Starlette's
            ``CORSMiddleware`` around it; origins are checked nevertheless.

    Raises:
        TypeError: A value has the wrong type.
        ValueError: A value is not an origin, the name of a header or a number of seconds.
    """

    origins: OriginPolicy | None = None
    methods: Sequence[str] = ("GET", "POST")
    allowed_headers: Sequence[str] | None = None
    exposed_headers: Sequence[str] = ()
    credentials: bool = False
    max_age: int | None = None
    headers: bool = True

    def __post_init__(self) -> None:
        if self.origins is not None:
            object.__setattr__(self, "origins", checked_policy(self.origins))
        _check_names("cors methods", self.methods, '["GET", "POST"]')
        if self.allowed_headers is not None:
            _check_names("cors allowed_headers", self.allowed_headers, '["X-Token"]')
        _check_names("cors exposed_headers", self.exposed_headers, '["X-Token"]')
        check_flag("cors credentials", self.credentials)
        check_flag("cors headers", self.headers)
        if self.max_age is not None:
            check_count("cors max_age", self.max_age, "seconds", at_least=0)

    def allows(self, request: EngineRequest, origin: str | None) -> bool:
        """True when a request with that ``Origin`` may connect."""
        return origin is None or is_same_origin(request, origin) or self._lists(origin)

    def response_headers(self, request: EngineRequest, origin: str | None) -> list[Header]:
        """The headers that let a page of another, permitted origin read the response."""
        if origin is None or self.origins is None or not self.headers:
            return []
        headers: list[Header] = [] if self._is_open() else [(b"vary", b"Origin")]
        if not self._lists(origin):
            return headers
        allowed = b"*" if self._is_open() else origin.encode("latin-1")
        headers.append((b"access-control-allow-origin", allowed))
        if self.credentials:
            headers.append((b"access-control-allow-credentials", b"true"))
        if self.exposed_headers:
            headers.append((b"access-control-expose-headers", _join(self.exposed_headers)))
        return headers

    def preflight_headers(self, request: EngineRequest, origin: str | None) -> list[Header]:
        """The headers of the answer to a preflight request (``OPTIONS``)."""
        headers = self.response_headers(request, origin)
        headers.append((b"access-control-allow-methods", _join(self.methods)))
        asked = request.header(b"access-control-request-headers")
        if self.allowed_headers is not None:
            headers.append((b"access-control-allow-headers", _join(self.allowed_headers)))
        elif asked is not None:
            headers.append((b"access-control-allow-headers", asked.encode("latin-1")))
        if self.max_age is not None:
            headers.append((b"access-control-max-age", b"%d" % self.max_age))
        return headers

    def answers_preflight(self) -> bool:
        """True when preflight requests are answered here."""
        return self.headers and self.origins is not None

    def _is_open(self) -> bool:
        # Browsers refuse "*" together with credentials, so the origin itself is sent then.
        return self.origins == "*" and not self.credentials

    def _lists(self, origin: str) -> bool:
        return self.origins is not None and lists(self.origins, origin)


def as_cors(option: OriginPolicy | Cors | Mapping[str, Any] | None) -> Cors:
    """The policy that an option stands for.

    Raises:
        TypeError: It is of another kind.
        ValueError: It names no origins.
    """
    if isinstance(option, Cors):
        return option
    if isinstance(option, Mapping):
        return made_of(Cors, "cors", option)  # pyright: ignore[reportUnknownArgumentType]
    return Cors(origins=option)


def is_same_origin(request: EngineRequest, origin: str) -> bool:
    """True when an origin has the host and port that the request was sent to.

    The scheme is ignored, because a proxy that ends TLS changes it; forwarded headers are not
    looked at, because any client can send them.
    """
    scheme, _, authority = origin.partition("://")
    host = request.header(b"host")
    if not authority or not host:
        return False
    if authority == host:
        return True
    default_port = DEFAULT_PORTS.get(scheme.lower(), "")
    return _with_port(authority, default_port) == _with_port(host, default_port)


def _with_port(authority: str, default_port: str) -> str:
    authority = authority.lower()
    # In an IPv6 literal, colons within the brackets do not introduce a port.
    has_port = ":" in authority.rpartition("]")[2]
    return authority if has_port else f"{authority}:{default_port}"


def _check_names(option: str, names: Sequence[str], example: str) -> None:
    for name in check_texts(option, names, example):
        if not is_token(name):
            raise ValueError(f"{option}: {name!r} is no name; write such as {example}")


def _join(values: Sequence[str]) -> bytes:
    return ", ".join(values).encode("latin-1")
