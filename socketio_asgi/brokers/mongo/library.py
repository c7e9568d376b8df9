"""The library pymongo, which is imported when it is needed, and what its errors mean."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

from ...exceptions import NotRetryable

UNAUTHORIZED = 13
NAMESPACE_EXISTS = 48
INDEX_CONFLICTS = frozenset({85, 86})
"""There is such an index, with other options."""
DUPLICATE_KEY = 11000
NO_REPLICA_SET = 40573

PERMANENT: frozenset[int] = frozenset(
    {
        UNAUTHORIZED,
        18,  # the password is wrong
        59,  # there is no such command
        115,  # there is no such command for this kind of collection
        166,  # a view
        238,  # not implemented, by servers that only look like MongoDB
        8000,  # refused by Atlas
        NO_REPLICA_SET,
    }
)
"""Error codes that stay the same however often one tries.

Source: https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml
"""

HISTORY_LOST: frozenset[int] = frozenset(
    {
        9,  # the token is none for this server
        136,  # its place in a capped collection is gone
        260,  # the token is invalid, or of a collection that was dropped
        280,  # the server cannot find the place of the token
        286,  # the oplog begins behind it
        10334,  # the next event is too large
    }
)
"""Error codes of a change stream that cannot be taken up again where it was."""

REPLICA_SET = (
    "MongoDB has to be a replica set, or a sharded cluster: only these have change streams. One"
    " server can be a replica set: mongod --replSet rs0, and once rs.initiate() in mongosh"
)


@dataclass(frozen=True, slots=True)
class Library:
    """The parts of pymongo that are used.

    Attributes:
        client: The asynchronous client.
        collection: Its collections.
        sync_client: The client that is not asynchronous.
        sync_collection: Its collections.
        errors: The module with the errors.
        timeout: Limits the time of what is done within, in seconds.
    """

    client: Any
    collection: Any
    sync_client: Any
    sync_collection: Any
    errors: Any
    timeout: Any


@cache
def library() -> Library:
    """Import pymongo.

    Raises:
        ModuleNotFoundError: It is not installed, or too old.
    """
    try:
        pymongo = import_module("pymongo")
        asynchronous = import_module("pymongo.asynchronous.collection")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            'MongoDB needs pymongo 4.13 or later: pip install "socketio-asgi[mongo]"',
            name="pymongo",
        ) from error
    return Library(
        pymongo.AsyncMongoClient,
        asynchronous.AsyncCollection,
        pymongo.MongoClient,
        import_module("pymongo.collection").Collection,
        import_module("pymongo.errors"),
        pymongo.timeout,
    )


def code_of(error: Exception) -> int | None:
    """The code of an error that the server has answered with; None for others."""
    code: int | None = getattr(error, "code", None)
    return code if isinstance(error, library().errors.OperationFailure) else None


def failure(error: Exception) -> Exception:
    """The error of the library as one of ours."""
    code, text = code_of(error), str(error) or repr(error)
    if code == NO_REPLICA_SET:
        return NotRetryable(REPLICA_SET)
    if code == UNAUTHORIZED:
        return NotRetryable(
            f"the MongoDB user needs the role readWrite of the database: {_short(text)}"
        )
    if code in PERMANENT:
        return NotRetryable(f"MongoDB: {_short(text)}")
    return ConnectionError(_short(text))


def _short(text: str) -> str:
    """An error without the whole answer of the server behind it."""
    return text.partition(", full error:")[0][:500]
