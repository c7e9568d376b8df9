"""The middleware of the admin namespace: a session, or a name and a password."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable
from functools import partial
from hmac import compare_digest
from typing import Any, Final, TypeVar
from weakref import WeakKeyDictionary

from ..events.workers import Workers
from ..exceptions import ConnectionRefused
from ..runtime import Runtime
from ..server.namespace_core import NamespaceCore
from ..server.socket import Socket
from .login_limits import LoginLimits
from .options import BasicAuth
from .sessions import SessionStore

logger: logging.Logger = logging.getLogger("socketio_asgi.admin")

INVALID: Final = "invalid credentials"
"""What the official UI knows: it asks for the password again."""

TOO_MANY: Final = "too many log-ins, try again in a minute"

LOGIN_THREADS = 2
"""Threads that compute passwords at a time, apart from those of handlers."""

MAX_LENGTH: Final = 1024
"""Characters of a name, a password or a session that are looked at at all."""

BCRYPT_BYTES: Final = 72
"""Bytes of a password that count; bcrypt ignores the others."""

STORE_SECONDS = 5.0
"""The time that a store may take."""

ResultT = TypeVar("ResultT")


class Login:
    """Decides who may come into the admin namespace.

    Args:
        auth: The name and the hash of the password.
        store: The sessions.
        namespace: The inside of the admin namespace.
    """

    def __init__(self, auth: BasicAuth, store: SessionStore, namespace: NamespaceCore) -> None:
        self._auth = auth
        self._store = store
        self._namespace = namespace
        self._workers = Workers(limit=LOGIN_THREADS)
        self._limits: tuple[Runtime, LoginLimits] | None = None
        self._new: WeakKeyDictionary[Socket[Any], str] = WeakKeyDictionary()

    def new_session(self, socket: Socket[Any]) -> str | None:
        """The session of a client that has just logged in with its password."""
        return self._new.pop(socket, None)

    async def admit(self, socket: Socket[Any]) -> None:
        """Let a client in that has a session, or knows the name and the password.

        Raises:
            ConnectionRefused: It has and knows neither, or has tried too often.
        """
        auth, address = socket.handshake.auth, socket.handshake.address
        limits = self._current_limits()
        session_id = _text(auth.get("sessionId"))
        if session_id:
            if not limits.take(address, of_all=False):
                raise ConnectionRefused(TOO_MANY)
            if await self._is_session(session_id):
                return limits.give_back(address, of_all=False)
        username, password = _text(auth.get("username")), _text(auth.get("password"))
        if username is None or password is None:
            raise ConnectionRefused(INVALID)
        if not limits.take(address):
            self._log("too many log-ins of %s", address)
            raise ConnectionRefused(TOO_MANY)
        if not await self._workers.run(partial(_is_right, self._auth, username, password)):
            self._log("a log-in of %s with a wrong name or password", address)
            raise ConnectionRefused(INVALID)
        limits.give_back(address)
        logger.info("%s has logged in as %r", address, self._auth.username)
        await self._begin_session(socket)

    def _current_limits(self) -> LoginLimits:
        runtime = self._runtime
        if self._limits is None or self._limits[0] is not runtime:
            self._limits = (runtime, LoginLimits(runtime.now))
        return self._limits[1]

    @property
    def _runtime(self) -> Runtime:
        runtime = self._namespace.server.runtime
        assert runtime is not None  # noqa: S101  # a client is here
        return runtime

    async def _is_session(self, session_id: str) -> bool:
        found = await self._ask_store(self._store.exists(session_id))
        return found is True  # a store that answers anything else lets nobody in

    async def _begin_session(self, socket: Socket[Any]) -> None:
        session_id = secrets.token_hex(16)
        await self._ask_store(self._store.save(session_id))
        self._new[socket] = session_id

    async def _ask_store(self, answer: Awaitable[ResultT]) -> ResultT | None:
        async def wait() -> ResultT:
            return await answer

        try:
            return await self._runtime.within(STORE_SECONDS, wait())
        except Exception:
            if self._may_log("the store"):
                logger.exception("the sessions of the admin UI cannot be reached")
            return None

    def _log(self, message: str, address: str) -> None:
        if self._may_log(address):
            logger.warning(message, address)

    def _may_log(self, cause: str) -> bool:
        return self._namespace.server.clients_log.may_log(cause, "admin")


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and len(value) <= MAX_LENGTH else None


def _is_right(auth: BasicAuth, username: str, password: str) -> bool:
    """Check both, whatever comes of one of them: how long it takes tells nothing."""
    import bcrypt

    same_name = compare_digest(_encoded(username), _encoded(auth.username))
    try:
        given = _encoded(password)[:BCRYPT_BYTES]
        return bcrypt.checkpw(given, auth.password.encode()) and same_name
    except ValueError:  # such as a character that bcrypt refuses
        return False


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
