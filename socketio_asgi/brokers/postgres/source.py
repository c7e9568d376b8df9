"""The database that an application names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import urlsplit

from ...checks import shown
from .asyncpg_link import AsyncpgPool, FromPool, FromURL
from .link import Database

SCHEMES = ("postgres", "postgresql")


def database_of(source: object, options: Mapping[str, Any]) -> Database:
    """The way to a database.

    Args:
        source: Its URL, or a pool of asyncpg.
        options: Options of ``asyncpg.connect()``; for URLs only.

    Raises:
        TypeError: The source is neither, or a pool was given options.
        ValueError: The URL is none of Postgres.
    """
    if isinstance(source, str):
        check_url(source)
        return FromURL(source, options)
    if options:
        raise TypeError(f"the pool of the application has its own options: {', '.join(options)}")
    if type(source).__module__.partition(".")[0] == "asyncpg" and hasattr(source, "acquire"):
        return FromPool(cast("AsyncpgPool", source))
    raise TypeError(f"the database is given as a URL or as a pool of asyncpg, not {shown(source)}")


def check_url(url: str) -> str:
    """Check the scheme of a URL.

    Raises:
        ValueError: It is none of Postgres.
    """
    if urlsplit(url).scheme not in SCHEMES:
        raise ValueError(
            f"the URL of a Postgres begins with postgresql://, not {shown(_hidden(url))}"
        )
    return url


def _hidden(url: str) -> str:
    """A URL without its password."""
    before, at, behind = url.rpartition("@")
    return behind if at and before else url
