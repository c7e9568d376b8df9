"""The options of the admin UI, checked."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any, Literal

from ..checks import check_flag, check_text, made_of, shown
from .sessions import MemorySessionStore, SessionStore

Mode = Literal["development", "production"]
"""What the admin UI is shown: everything, or statistics alone."""

MAX_ROUNDS = 15
"""The largest cost of a bcrypt hash, as a power of two: each log-in takes a thread for seconds."""

_HASH = re.compile(r"\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}")
_HOW = (
    "make one with: python -c \"import bcrypt; print(bcrypt.hashpw(b'the password',"
    ' bcrypt.gensalt()).decode())"'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BasicAuth:
    """The name and the password by which people log in.

    Args:
        username: The name.
        password: The bcrypt hash of the password, such as ``"$2b$12$..."``; it is not shown.

    Raises:
        TypeError: One of them is no text.
        ValueError: The name is empty, or the password no bcrypt hash.
        ModuleNotFoundError: bcrypt is not installed.

    Attributes:
        username: The same.
        password: The same.

    Source: https://socket.io/docs/v4/admin-ui/#auth
    """

    username: str
    password: str = field(repr=False)

    def __post_init__(self) -> None:
        check_text("username", self.username)
        if not self.username:
            raise ValueError("the username must not be empty")
        if not isinstance(self.password, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"the password must be a bcrypt hash as text; {_HOW}")
        rounds = _HASH.fullmatch(self.password)
        if rounds is None:
            raise ValueError(f"the password must be a bcrypt hash, never plain text; {_HOW}")
        if not 4 <= int(rounds[1]) <= MAX_ROUNDS:
            raise ValueError(f"the bcrypt hash must have 4 to {MAX_ROUNDS} rounds, not {rounds[1]}")
        if find_spec("bcrypt") is None:
            raise ModuleNotFoundError(
                'passwords need bcrypt: pip install "socketio-asgi[admin]"', name="bcrypt"
            )


Auth = BasicAuth | Mapping[str, Any] | Literal[False]
"""Who may log in; False is everybody."""


@dataclass(frozen=True, slots=True)
class AdminOptions:
    """The options of :func:`.instrument`, checked.

    Attributes:
        auth: The name and password; None lets everybody in.
        readonly: Whether nothing can be done but looking.
        server_id: The name of this server in the UI.
        development: Whether sockets, rooms and events are shown.
        store: The sessions of people who have logged in.
        count_packets: Whether packets and bytes are counted.
    """

    auth: BasicAuth | None
    readonly: bool
    server_id: str
    development: bool
    store: SessionStore
    count_packets: bool


def checked_options(
    auth: object,
    *,
    readonly: object,
    server_id: object,
    mode: object,
    store: object,
    count_packets: object,
) -> AdminOptions:
    """Check the options.

    Raises:
        TypeError: A value has the wrong type.
        ValueError: A value makes no sense.
    """
    if mode not in ("development", "production"):
        raise ValueError(f'mode is "development" or "production", not {shown(mode)}')
    if store is not None and not isinstance(store, SessionStore):
        raise TypeError(
            f"store must be a SessionStore such as MemorySessionStore(), not {shown(store)}"
        )
    development = mode == "development"
    return AdminOptions(
        auth=_as_auth(auth),
        readonly=check_flag("readonly", readonly),
        server_id=_as_server_id(server_id),
        development=development,
        store=MemorySessionStore() if store is None else store,
        count_packets=development
        if count_packets is None
        else check_flag("count_packets", count_packets),
    )


def _as_auth(auth: object) -> BasicAuth | None:
    if auth is False:
        return None
    if isinstance(auth, BasicAuth):
        return auth
    if isinstance(auth, Mapping):
        values: dict[str, Any] = dict(auth)  # pyright: ignore[reportUnknownArgumentType]
        if values.pop("type", "basic") != "basic":
            raise ValueError('auth={"type": ...} must be "basic"')
        missing = {"username", "password"} - values.keys()
        if missing:
            raise TypeError(f"auth lacks {', '.join(sorted(missing))}")
        return made_of(BasicAuth, "auth", values)
    raise TypeError(
        "auth must be BasicAuth(username=..., password=...), or False to let everybody in who"
        f" reaches the server, not a {type(auth).__name__}"
    )


def _as_server_id(server_id: object) -> str:
    if server_id is None:
        return f"{socket.gethostname()}#{os.getpid()}"
    if not isinstance(server_id, str) or not server_id:
        raise TypeError(f"server_id must be text, and not empty, not {shown(server_id)}")
    return server_id
