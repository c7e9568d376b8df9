"""The cookies of a client: those that it was given, and those that the server has set.

What does the work is a part of the standard library that takes a while to import, and so waits
until a server has set a cookie, or until there are HTTP requests, which need it too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ...websocket.headers import Header

if TYPE_CHECKING:
    from email.message import Message
    from http.cookiejar import CookieJar


class Cookies:
    """Cookies, for all requests of a client.

    Args:
        given: Those of the application, by their names.
        jar: Keeps those of the server; None for a new one.
    """

    def __init__(self, given: Mapping[str, str], jar: CookieJar | None = None) -> None:
        self._given = given
        self._jar = jar

    @property
    def jar(self) -> CookieJar:
        """Those of the server."""
        if self._jar is None:
            from http.cookiejar import CookieJar

            self._jar = CookieJar()
        return self._jar

    def header(self, url: str) -> str | None:
        """The header for a request; None when there are no cookies for it."""
        own = "" if self._jar is None else _header(self._jar, url)
        # What the server has set counts more: it may have changed what was given.
        names = {pair.partition("=")[0] for pair in own.split("; ")}
        pairs = [f"{name}={value}" for name, value in self._given.items() if name not in names]
        return "; ".join([*pairs, own] if own else pairs) or None

    def keep(self, url: str, headers: Iterable[Header]) -> None:
        """Take the cookies from the headers of a response."""
        found = [value.decode("latin-1") for name, value in headers if name == b"set-cookie"]
        if found:
            response: Any = _Response(found)
            self.jar.extract_cookies(response, _request(url))


def _header(jar: CookieJar, url: str) -> str:
    if not any(True for _ in jar):
        return ""
    request = _request(url)
    jar.add_cookie_header(request)
    text: str = request.get_header("Cookie", "")
    return text


def _request(url: str) -> Any:
    """What a jar wants to see of a request."""
    from urllib.request import Request

    return Request(url)  # noqa: S310  # nothing is opened


class _Response:
    """What a jar wants to see of a response."""

    def __init__(self, cookies: list[str]) -> None:
        self._cookies = cookies

    def info(self) -> Message:
        """The headers."""
        from email.message import Message

        headers = Message()
        for cookie in self._cookies:
            headers["Set-Cookie"] = cookie
        return headers
