"""Documents on their way to MongoDB: in order, also when some of them are refused."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from ...brokers.mongo.library import DUPLICATE_KEY, failure, library
from ..cluster.batches import BatchLimits, MessagesRefused

LIMITS = BatchLimits(messages=500, bytes=4 * 1024 * 1024)


async def insert(collection: Any, documents: Sequence[bytes]) -> None:
    """Insert documents; those that are there already are left alone.

    Args:
        collection: The collection.
        documents: The documents, with their ids.

    Raises:
        MessagesRefused: MongoDB has not taken some of them, or any.
        ConnectionError: They may have arrived or not.
    """
    kind = import_module("bson.raw_bson").RawBSONDocument
    refused: dict[int, str] = {}
    begin = 0
    while begin < len(documents):
        first = begin
        rest = [kind(data) for data in documents[first:]]
        begin = len(documents)
        try:
            await collection.insert_many(rest, ordered=True)
        except library().errors.BulkWriteError as error:
            problem = _problem(error)
            place = first + problem["index"]
            if problem.get("code") != DUPLICATE_KEY:  # otherwise an attempt before has succeeded
                refused[place] = str(problem.get("errmsg"))
            begin = place + 1
        except library().errors.OperationFailure as error:
            raise MessagesRefused(str(failure(error))) from error
        except library().errors.PyMongoError as error:
            raise failure(error) from error
    if refused:
        raise MessagesRefused(next(iter(refused.values())), refused.keys())


def _problem(error: Any) -> Any:
    """What is wrong with the first document that was not inserted.

    Raises:
        MessagesRefused: Nothing; but the other members of the replica set do not confirm.
    """
    for problem in error.details.get("writeErrors") or ():
        return problem
    raise MessagesRefused("the other members of the replica set do not confirm it") from error
