"""The records of a topic of Kafka.

key      the namespace; for sockets that are kept, with the id by which a client comes back
value    a message, see :mod:`..cluster.wires.python`; or a socket; or nothing
id       header: the id of the record, which is sent again under the same one
to       header: the server that is meant, if it is not all
kind     header: "saved" or "taken" for sockets, "check" for nothing; absent for messages
seconds  header: how long a socket is kept
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...brokers.kafka.connection import Record

ID, TO, KIND, SECONDS = "id", "to", "kind", "seconds"

SAVED, TAKEN = b"saved", b"taken"


def namespace_key(namespace: str) -> bytes:
    """The key of the messages of a namespace."""
    return namespace.encode("utf-8", "surrogatepass")


def socket_key(namespace: str, pid: str) -> bytes:
    """The key of a socket."""
    return namespace_key(namespace) + b"\x00" + pid.encode("utf-8", "surrogatepass")


def new_record(key: bytes, value: bytes, id: str, more: Iterable[tuple[str, bytes]] = ()) -> Record:
    """A record to send."""
    return Record(key, value, [(ID, id.encode()), *more])


def headers_of(record: Any) -> dict[str, bytes]:
    """The headers of a record; of several with one name, the last one."""
    return {name: value for name, value in record.headers if isinstance(value, bytes)}


def id_of(record: Any, headers: dict[str, bytes]) -> str:
    """The id of a record; its place, where somebody else has sent it without one."""
    id = headers.get(ID)
    return f"{record.offset}-{record.timestamp}" if id is None else id.decode("latin-1")
