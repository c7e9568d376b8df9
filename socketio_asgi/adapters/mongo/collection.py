"""The collection of messages: it is made when it is missing, and looked at when it is there."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...brokers.mongo.library import INDEX_CONFLICTS, NAMESPACE_EXISTS, code_of, library
from ...exceptions import NotRetryable
from ..cluster.wires.mongo import SESSION

logger: logging.Logger = logging.getLogger("socketio_asgi.server")

CREATED_AT = "createdAt"
"""The official name of the field by which old documents are deleted."""


@dataclass(frozen=True, slots=True)
class CollectionOptions:
    """The way in which the collection is kept.

    Attributes:
        create: Whether the collection and its indexes are made when they are missing.
        capped_size: The size of a collection that is made, in bytes.
        add_created_at_field: Whether documents are deleted by their age, and not by the size of the
            collection.
        expire_after: The age at which they are deleted, for an index that is made, in seconds.
    """

    create: bool
    capped_size: int
    add_created_at_field: bool
    expire_after: float

    async def prepare(self, collection: Any, *, recovers: bool) -> None:
        """See that the collection is there, and as the options say.

        Args:
            collection: The collection.
            recovers: Whether clients that come back are looked for in it.

        Raises:
            NotRetryable: It is not, and cannot be.
        """
        found = await _about(collection)
        if found is None:
            await self._create(collection)
            found = await _about(collection) or {}
        self._check(collection.full_name, found)
        if self.create and self.add_created_at_field:
            await self._expire(collection)
        if self.create and recovers:
            only = {"type": SESSION}
            await _index(collection, "data.pid", partialFilterExpression=only)

    async def _create(self, collection: Any) -> None:
        kind = {} if self.add_created_at_field else {"capped": True, "size": self.capped_size}
        if not self.create:
            raise NotRetryable(
                f"the collection {collection.full_name} is missing; with create_collection=True it"
                f" is made, by: db.createCollection({collection.name!r}, {kind})"
            )
        try:
            await collection.database.command("create", collection.name, **kind)
        except library().errors.OperationFailure as error:
            if code_of(error) != NAMESPACE_EXISTS:  # another server was faster
                raise

    def _check(self, name: str, found: Mapping[str, Any]) -> None:
        if found.get("type", "collection") != "collection":
            raise NotRetryable(f"{name} is a {found['type']} of MongoDB, and no collection")
        capped = bool(found.get("options", {}).get("capped"))
        if capped and self.add_created_at_field:
            raise NotRetryable(
                f"the collection {name} is capped: MongoDB deletes what is too much by itself, and"
                " nothing by its age. Leave add_created_at_field out, or take another collection"
            )
        if not capped and not self.add_created_at_field:
            logger.warning(
                "the collection %s grows without end: it is not capped, and the messages have no"
                " date; see add_created_at_field",
                name,
            )

    async def _expire(self, collection: Any) -> None:
        indexes = (await collection.index_information()).values()
        if any(index["key"][0][0] == CREATED_AT and EXPIRES in index for index in indexes):
            return
        await _index(collection, CREATED_AT, **{EXPIRES: round(self.expire_after)})


EXPIRES = "expireAfterSeconds"


async def _about(collection: Any) -> Mapping[str, Any] | None:
    """What MongoDB knows of a collection; None when there is none."""
    cursor = await collection.database.list_collections(filter={"name": collection.name})
    async with cursor:
        async for found in cursor:
            about: Mapping[str, Any] = found
            return about
    return None


async def _index(collection: Any, field: str, **options: Any) -> None:
    try:
        await collection.create_index(field, **options)
    except library().errors.OperationFailure as error:
        if code_of(error) not in INDEX_CONFLICTS:
            raise
