"""Users and sessions, in memory: they stand for your database."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import time
from dataclasses import dataclass, field

LIFETIME = int(os.environ.get("SESSION_SECONDS", "86400"))


@dataclass
class Session:
    """What is kept for a browser that has logged in."""

    username: str
    count: int = 0
    expires: float = field(default_factory=lambda: time.time() + LIFETIME)


class Sessions(dict[str, Session]):
    """The sessions, by ids that cannot be guessed."""

    def begin(self, username: str) -> str:
        for session_id in list(self):
            self.find(session_id)  # forgets those that have expired
        session_id = secrets.token_urlsafe(32)
        self[session_id] = Session(username)
        return session_id

    def find(self, session_id: str) -> Session | None:
        session = self.get(session_id)
        if session is not None and session.expires < time.time():
            self.end(session_id)
            return None
        return session

    def end(self, session_id: str) -> None:
        self.pop(session_id, None)


SALT = secrets.token_bytes(16)


def hashed(password: str) -> bytes:
    return hashlib.scrypt(password.encode(), salt=SALT, n=2**14, r=8, p=1)


USERS = {"john": hashed("changeit")}  # a database has a salt for each user


def verify(username: str, password: str) -> bool:
    """Tell whether a password is right; takes the same time for users who are unknown."""
    known = USERS.get(username, b"")
    return hmac.compare_digest(known, hashed(password))
