"""The session and the user of a client: from Channels' middlewares, or by the session cookie."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from django.conf import settings
from django.contrib.auth import aget_user, get_user
from django.core.exceptions import SynchronousOnlyOperation

from ...server.socket import Socket

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.contrib.auth.models import AnonymousUser
    from django.contrib.sessions.backends.base import SessionBase


def session(socket: Socket) -> SessionBase:
    """The session of the client that opened the connection.

    It is the one that a middleware of Channels has put into the scope of the handshake; without
    one, the session of the cookie, as it is in the store now. Nothing is read before it is used:
    ``session(socket)["cart"]`` in a plain handler, ``await session(socket).aget("cart")`` in an
    asynchronous one. Changes have to be saved (``save()``, ``asave()``), and a new session cannot
    begin here, since no response will carry its cookie.

    Args:
        socket: The client.
    """
    found = socket.handshake.connection.scope.get("session")
    return cast("SessionBase", _stored_session(socket) if found is None else found)


def user(socket: Socket) -> AbstractBaseUser | AnonymousUser:
    """The user that is logged in, for plain handlers; see :func:`auser`.

    Args:
        socket: The client.

    Raises:
        SynchronousOnlyOperation: It is called where nothing may wait for the database.
    """
    found = _user_of_scope(socket)
    if found is not None:
        return found
    try:
        return cast("AbstractBaseUser | AnonymousUser", get_user(_request(socket)))
    except SynchronousOnlyOperation as error:
        raise SynchronousOnlyOperation(
            "user(socket) reads the database, which an async def must not do: write"
            " await auser(socket)"
        ) from error


async def auser(socket: Socket) -> AbstractBaseUser | AnonymousUser:
    """The user that is logged in, as ``request.auser()`` of Django.

    It is the one that ``AuthMiddlewareStack`` of Channels has put into the scope of the handshake,
    as that was then. Without it, the session of the cookie says who it is, and is asked anew each
    time: a user that has logged out since is an ``AnonymousUser``.

    Args:
        socket: The client.
    """
    found = _user_of_scope(socket)
    if found is not None:
        return found
    return cast("AbstractBaseUser | AnonymousUser", await aget_user(_request(socket)))


def _user_of_scope(socket: Socket) -> Any:
    return socket.handshake.connection.scope.get("user")


class _Request:
    """What ``get_user`` of Django needs of a request."""

    def __init__(self, session: Any) -> None:
        self.session: Any = session


def _request(socket: Socket) -> Any:
    store: Any = session(socket)
    if store is not socket.handshake.connection.scope.get("session"):
        # After a change of SECRET_KEY a session gets a new key, which no response could tell the
        # browser: its next request does it.
        store.cycle_key = _keep_key
        store.acycle_key = _akeep_key
    return _Request(store)


def _keep_key() -> None:
    """Leave the session as it is."""


async def _akeep_key() -> None:
    """Leave the session as it is."""


def _stored_session(socket: Socket) -> Any:
    key = socket.handshake.connection.cookies.get(settings.SESSION_COOKIE_NAME)
    return import_module(settings.SESSION_ENGINE).SessionStore(key)
