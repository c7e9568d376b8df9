"""The cookie with the session id.

Source: https://socket.io/docs/v4/server-options/#cookie
"""

from __future__ import annotations

from http.cookies import SimpleCookie

from ..websocket.headers import Header
from .options import Cookie


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
