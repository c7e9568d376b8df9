"""Pipelines of change streams: MongoDB leaves out itself what nobody here would read."""

from __future__ import annotations

from typing import Any

from ..cluster.wires.mongo import ANSWER_TYPES, BROADCAST, CHANGES, SESSION

TYPE = "fullDocument.type"
SENDER = "fullDocument.uid"
REQUEST = "fullDocument.data.requestId"
RECIPIENT = "fullDocument.data.python.to"

HEARTBEATS = (1, 2)

_FIELDS = {"$project": {"fullDocument": 1, "clusterTime": 1}}

_LOGGED: tuple[dict[str, Any], ...] = (
    {TYPE: {"$in": list(CHANGES)}},
    {TYPE: BROADCAST, REQUEST: {"$exists": False}},
)
"""The documents that clients may miss while they are away."""


def live(server: str, *, recovers: bool) -> list[dict[str, Any]]:
    """The stages for the documents that concern a server.

    Args:
        server: Its id, with which those of its requests begin.
        recovers: Whether it has to read back what it has inserted itself, to have its place.
    """
    others = {"$ne": server}
    own: list[dict[str, Any]] = [{TYPE: {"$in": list(HEARTBEATS)}}]  # they show the delay
    if recovers:
        own += _LOGGED
    choices: list[dict[str, Any]] = [
        {SENDER: server, "$or": own},
        {
            SENDER: others,
            TYPE: {"$in": list(ANSWER_TYPES)},
            REQUEST: {"$regex": f"^{server}"},
        },
        {
            SENDER: others,
            TYPE: {"$nin": [*ANSWER_TYPES, SESSION]},
            "$or": [{RECIPIENT: server}, {RECIPIENT: {"$not": {"$type": "string"}}}],
        },
    ]
    return [{"$match": {"operationType": "insert", "$or": choices}}, _FIELDS]


def logged(first: object, last: object) -> list[dict[str, Any]]:
    """The stages for all documents that clients may have missed, of all namespaces.

    Args:
        first: The cluster time of a document, of whatever type, that was read before.
        last: The id of a document, of whatever type, up to which is read.
    """
    choices = [{"clusterTime": first}, {"documentKey._id": last}, *_LOGGED]
    return [{"$match": {"operationType": "insert", "$or": choices}}, _FIELDS]
