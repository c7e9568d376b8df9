"""The cookie with the session id.

Source: https://socket.io/docs/v4/server-options/#cookie and RFC 6265, section 4.1.1
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Any, Literal

from ..checks import check_count, check_flag, made_of, shown
from ..websocket.headers import Header

_SAME_SITE = ("lax", "strict", "none")
_ATTRIBUTE = re.compile(r"[ -:<-~]*")  # ASCII without control characters and semicolons


@dataclass(frozen=True, slots=True, kw_only=True)
class Cookie:
    """A cookie with the session id, for load balancers that learn it from responses.

    Args:
        name: The cookie's name.
        path: The path it is sent for.
        http_only: Whether scripts are kept from reading it.
        same_site: The cases in which browsers send it across sites: ``lax``, ``strict``, ``none``.
        secure: Whether it is sent over HTTPS only.
        max_age: Its life in seconds; None ends it with the browser session.
        domain: The domain it is sent to; None is the host that set it.

    Raises:
        TypeError: A value has the wrong type.
        ValueError: A value cannot be part of a cookie.
    """

    name: str = "io"
    path: str = "/"
    http_only: bool = True
    same_site: Literal["lax", "strict", "none"] = "lax"
    secure: bool = False
    max_age: int | None = None
    domain: str | None = None

    def __post_init__(self) -> None:
        _check_name(self.name)
        _check_attribute("path", self.path)
        if self.domain is not None:
            _check_attribute("domain", self.domain)
        check_flag("cookie http_only", self.http_only)
        check_flag("cookie secure", self.secure)
        if self.max_age is not None:
            check_count("cookie max_age", self.max_age, "seconds", at_least=0)
        if self.same_site not in _SAME_SITE:
            raise ValueError(
                f"cookie same_site must be one of {_SAME_SITE}, not {shown(self.same_site)}"
            )


def as_cookie(option: Cookie | str | bool | Mapping[str, Any] | None) -> Cookie | None:
    """The cookie that an option stands for.

    Raises:
        TypeError: It is of another kind.
        ValueError: It cannot be the name of a cookie.
    """
    if option is None or option is False:
        return None
    if option is True:
        return Cookie()
    if isinstance(option, str):
        return Cookie(name=option)
    if isinstance(option, Mapping):
        return made_of(Cookie, "cookie", option)
    if not isinstance(option, Cookie):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"cookie must be a name, True, or Cookie(...), not {shown(option)}")
    return option


def _check_name(name: object) -> None:
    if not isinstance(name, str):
        raise TypeError(f"cookie name must be a text such as 'io', not {shown(name)}")
    try:
        SimpleCookie()[name] = ""
    except CookieError as error:
        raise ValueError(f"cookie name: {shown(name)} cannot be the name of a cookie") from error


def _check_attribute(name: str, value: object) -> None:
    if not isinstance(value, str):
        raise TypeError(f"cookie {name} must be a text, not {shown(value)}")
    if not _ATTRIBUTE.fullmatch(value):
        raise ValueError(f"cookie {name}: {shown(value)} cannot stand in a cookie")


def cookie_header(cookie: Cookie, sid: str) -> Header:
    """The ``Set-Cookie`` header for a new session."""
    jar: SimpleCookie = SimpleCookie()
    jar[cookie.name] = sid
    morsel = jar[cookie.name]
    morsel["path"] = cookie.path
    morsel["samesite"] = cookie.same_site.capitalize()
    morsel["httponly"] = cookie.http_only
    morsel["secure"] = cookie.secure
    if cookie.max_age is not None:
        morsel["max-age"] = cookie.max_age
    if cookie.domain is not None:
        morsel["domain"] = cookie.domain
    return (b"set-cookie", morsel.OutputString().encode("latin-1"))
