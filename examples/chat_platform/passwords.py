"""Passwords: argon2, in threads, a few at a time."""

from __future__ import annotations

import os

from anyio import CapacityLimiter, to_thread
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

hasher = PasswordHasher()

TURNS = CapacityLimiter(os.cpu_count() or 1)
"""``async with TURNS`` around what is below. A hash takes a processor for some 50 ms, and 64 MB of
memory, which is its purpose. More of them at a time would not be faster, and a crowd that logs in
would take all the memory."""

NOBODY = hasher.hash("the password of nobody")
"""Compared with when there is no such user: the answer takes as long as for a wrong password."""


async def hash_password(password: str) -> str:
    return await to_thread.run_sync(hasher.hash, password)


async def is_password(hashed: str | None, password: str) -> bool:
    """Compare a password with a hash; None is that of a user who does not exist."""
    return await to_thread.run_sync(_verify, hashed, password)


def _verify(hashed: str | None, password: str) -> bool:
    try:
        hasher.verify(NOBODY if hashed is None else hashed, password)
    except (VerificationError, InvalidHashError):
        return False
    return hashed is not None
