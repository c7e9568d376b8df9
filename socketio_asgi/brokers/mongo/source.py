"""The collection that an application names."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from ...checks import shown
from ...runtime.awaitables import DONE
from .library import library

SCHEMES = ("mongodb", "mongodb+srv")

APP_NAME = "socketio_asgi"

GOODBYE_SECONDS = 0.5
"""The time that a client looks for the server to say goodbye to."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A collection, and the way to give it back.

    Attributes:
        collection: The collection, of either kind.
        close: Ends the connections, if they were made here.
    """

    collection: Any
    close: Callable[[], Awaitable[None] | None]


@dataclass(frozen=True, slots=True)
class Source:
    """The way to a collection.

    Attributes:
        url: The URL; None with a client or a collection of the application.
        made: A client, or a collection; None with a URL.
        database: The name of the database; empty with a collection.
        collection: The name of the collection; empty with a collection.
        options: Options of the client.
        asynchronous: Whether the client is asynchronous.
    """

    url: str | None = field(repr=False)  # it may hold a password
    made: Any
    database: str
    collection: str
    options: Mapping[str, Any]
    asynchronous: bool

    @property
    def of_one_loop(self) -> bool:
        """True if it can be used in one event loop only."""
        return self.url is None

    def open(self, seconds: float) -> Opened:
        """Get the collection; connections are made when it is used.

        Args:
            seconds: How long a server of it is looked for; with a URL.
        """
        if self.url is None:
            if not self.collection:
                return Opened(self.made, _nothing)
            return Opened(self.made[self.database][self.collection], _nothing)
        client = self.client(seconds)
        close = partial(_close_async if self.asynchronous else _close, client)
        return Opened(client[self.database][self.collection], close)

    def client(self, seconds: float) -> Any:
        """A new client, for a URL."""
        milliseconds = round(seconds * 1000)
        defaults = {
            "appname": APP_NAME,
            "serverSelectionTimeoutMS": milliseconds,
            "connectTimeoutMS": milliseconds,
        }
        # They would win over those of the URL.
        given = {name.lower() for name, _ in parse_qsl(urlsplit(self.url or "").query)}
        kept = {name: value for name, value in defaults.items() if name.lower() not in given}
        options = {**kept, **self.options}
        kind = library().client if self.asynchronous else library().sync_client
        return kind(self.url, connect=False, **options)


async def _close_async(client: Any) -> None:
    with library().timeout(GOODBYE_SECONDS):
        await client.close()


def _close(client: Any) -> None:
    with library().timeout(GOODBYE_SECONDS):
        client.close()


def _nothing() -> Awaitable[None]:
    return DONE


def source_of(
    source: object,
    database: object,
    collection: object,
    options: Mapping[str, Any] | None = None,
    *,
    asynchronous: bool,
) -> Source:
    """The way to a collection, checked.

    Args:
        source: A URL, a client of pymongo, or a collection.
        database: The name of the database; None when the URL names it, or with a collection.
        collection: The name of the collection; None for the official one, or with a collection.
        options: Options of the client; with a URL only.
        asynchronous: Whether a client or a collection has to be of the asynchronous kind.

    Raises:
        ModuleNotFoundError: pymongo is not installed.
        TypeError: A value is of another kind.
        ValueError: The URL is none of MongoDB, or a name is missing or makes no sense.
    """
    pymongo = library()
    client, kind = (
        (pymongo.client, pymongo.collection)
        if asynchronous
        else (pymongo.sync_client, pymongo.sync_collection)
    )
    if isinstance(source, kind):
        if database is not None or collection is not None:
            raise TypeError("a collection was given: it has a name and a database of its own")
        _no_options(options)
        return Source(None, source, "", "", {}, asynchronous)
    name = _name("collection", OFFICIAL_NAME if collection is None else collection)
    if isinstance(source, client):
        _no_options(options)
        return Source(None, source, _database(database), name, {}, asynchronous)
    if not isinstance(source, str):
        raise TypeError(
            f"MongoDB is given as a URL, as a pymongo {client.__name__} or as one of its"
            f" collections, not {shown(source)}"
        )
    path = unquote(urlsplit(_checked(source)).path[1:])
    found = Source(
        source, None, _database(database or path or None), name, options or {}, asynchronous
    )
    try:
        found.client(1.0)  # it does not connect
    except (pymongo.errors.PyMongoError, ValueError, TypeError) as error:
        raise ValueError(f"pymongo does not take the URL or an option: {error}") from error
    return found


OFFICIAL_NAME = "socket.io-adapter-events"
"""The name of the collection in the documentation of the official adapter.

Source: https://socket.io/docs/v4/mongo-adapter/
"""

_NOT_IN_NAMES = {"database": '\0/\\ ."$', "collection": "\0$"}


def _database(value: object) -> str:
    if value is None:
        raise ValueError(
            'the name of the database is missing: give database="app", or a URL that ends with it'
        )
    return _name("database", value)


def _name(option: str, value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{option} must be a name, not {shown(value)}")
    if not value or set(value) & set(_NOT_IN_NAMES[option]):
        raise ValueError(f"{option} must be a name that MongoDB takes, not {shown(value)}")
    return value


def _no_options(options: Mapping[str, Any] | None) -> None:
    if options:
        raise TypeError(f"the client of the application has its own options: {', '.join(options)}")


def _checked(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES or not parts.netloc:
        # A password belongs into no error.
        got = "one with a password" if "@" in url else shown(url)
        raise ValueError(f"the URL of a MongoDB looks like mongodb://host:27017, not {got}")
    return url
