"""What differs from one deployment to the next: read from the environment, once, at the start."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

EMBEDDED = "sqlite+aiosqlite:///chat.sqlite"
YES = frozenset({"1", "true", "yes"})


@dataclass(frozen=True)
class Settings:
    database_url: str
    """For SQLAlchemy, with an asynchronous driver in it."""
    session_secret: bytes
    """The same on all servers; another one ends all sessions."""
    disconnection_grace: float
    """Seconds without a connection before a user counts as gone."""
    page_origins: tuple[str, ...]
    """Where pages of another origin come from, such as a development server."""
    cookie_secure: bool
    """Whether browsers send the session cookie over HTTPS alone."""
    server_timeout: float
    """Seconds of silence after which a server counts as dead, and its connections as ended."""
    signups_per_address: int
    """Accounts that one address may make in an hour."""
    pool_size: int
    """Connections with the database: so many events and requests use it at a time."""

    @property
    def postgres_url(self) -> str | None:
        """The database for the adapter; None is the embedded one, which has one server alone."""
        if self.database_url.startswith("postgresql"):
            return self.database_url.replace("+asyncpg", "", 1)
        return None


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read the settings.

    Raises:
        ValueError: A number is none, or several servers would have no common secret.
    """
    database_url = with_driver(environment.get("DATABASE_URL", EMBEDDED))
    secret = environment.get("SESSION_SECRET", "")
    if not secret:
        if database_url.startswith("postgresql"):
            raise ValueError("set SESSION_SECRET: servers with one database have to share it")
        secret = secrets.token_hex()  # nobody else has to know it; sessions end with the process
    return Settings(
        database_url=database_url,
        session_secret=secret.encode(),
        disconnection_grace=float(environment.get("DISCONNECTION_GRACE", "10")),
        page_origins=tuple(environment.get("PAGE_ORIGIN", "").replace(",", " ").split()),
        cookie_secure=environment.get("COOKIE_SECURE", "").lower() in YES,
        server_timeout=float(environment.get("SERVER_TIMEOUT", "10")),
        signups_per_address=int(environment.get("SIGNUPS_PER_ADDRESS", "100")),
        pool_size=int(environment.get("POOL_SIZE", "10")),
    )


def with_driver(url: str) -> str:
    """The URL as hosts write it, with the driver that SQLAlchemy needs."""
    for prefix in ("postgres://", "postgresql://"):
        if url.startswith(prefix):
            return "postgresql+asyncpg://" + url.removeprefix(prefix)
    if url.startswith("sqlite://"):
        return "sqlite+aiosqlite://" + url.removeprefix("sqlite://")
    return url


settings = read_settings(os.environ)
