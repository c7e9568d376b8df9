"""The form of messages over Postgres: a notification, and a row of a table for what is too much.

A notification carries JSON text of less than 8000 bytes. Longer messages, and those with binary
data, are MessagePack in a row, of which the notification tells the number.

Keys that official servers do not know, and ignore, are all in the object ``python``.

Source: https://github.com/socketio/socket.io-postgres-adapter
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ....protocol import EncodeError, ProtocolError
from ....protocol.json import loads
from ..driver import MAX_MESSAGE_BYTES, RESERVED_BYTES, Skips
from ..message import ANSWERS, Message
from . import checks
from .messagepack import pack, unpack
from .official import OfficialWire, fields_of, read, read_unless

PAYLOAD_BYTES = 8000
"""A notification has to be shorter than that.

Source: https://www.postgresql.org/docs/current/sql-notify.html
"""

MAX_CHANNEL_BYTES = 63
"""The longest name of a channel; Postgres cuts longer ones off, or refuses them."""

MAX_ROOM_LENGTH = 200
"""The longest name of a room that a notification tells, beside the number of a row."""


_NOT_TEXT = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Inline:
    """A message that is sent as a notification.

    Attributes:
        text: The notification.
    """

    text: str


@dataclass(frozen=True, slots=True)
class Stored:
    """A message that is sent as a row, and a notification around its number.

    Attributes:
        payload: The content of the row.
        before: The text before the number.
        after: The text behind it.
    """

    payload: bytes
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Attached:
    """A notification of a message that is in a row.

    Attributes:
        number: The number of the row.
        sender: The id of the server that sent it.
        recipient: The id of the server that is meant; None for all, and when it is not known.
        room: The one room that is meant, if it is known.
    """

    number: int
    sender: str
    recipient: str | None
    room: str | None


class PostgresWire:
    """The form of messages that official servers understand.

    Args:
        channel_prefix: What all channels begin with.
        threshold: The size from which on messages are stored, in bytes.
        max_message: The largest event, in bytes.
        ascii_only: Whether texts have to be ASCII: the database has few characters.

    Attributes:
        max_bytes: The largest row, in bytes.
    """

    def __init__(
        self,
        channel_prefix: str = "socket.io",
        threshold: int = PAYLOAD_BYTES,
        max_message: int = MAX_MESSAGE_BYTES,
        *,
        ascii_only: bool = False,
    ) -> None:
        self.max_bytes: int = max_message + RESERVED_BYTES
        self._prefix = channel_prefix
        self._threshold = threshold
        self._ascii_only = ascii_only
        self._official = OfficialWire()

    def channel(self, namespace: str) -> str:
        """The channel of a namespace.

        Official servers have none where the name is too long, or not made of characters.
        """
        channel = f"{self._prefix}#{namespace}"
        data = channel.encode("utf-8", "surrogatepass")
        if len(data) <= MAX_CHANNEL_BYTES and self._can_be_sent(channel):
            return channel
        return f"socketio_asgi#{hashlib.sha256(data).hexdigest()[:48]}"

    def encode(self, message: Message) -> Inline | Stored:
        """Turn a message into what is sent.

        Raises:
            EncodeError: It cannot be represented, or is too large.
        """
        data = self._official.encode(message)
        if data[:1] == b"{":
            text = data.decode()
            if len(data) < self._threshold and self._can_be_sent(text):
                return Inline(text)
            data = pack(fields_of(message))
        if len(data) > self.max_bytes:
            raise EncodeError(f"the message has {len(data)} bytes; {self.max_bytes} are the most")
        return Stored(data, *_around_number(message))

    def _can_be_sent(self, text: str) -> bool:
        """True if a text has only characters that the database knows."""
        return not (_NOT_TEXT.search(text) or (self._ascii_only and not text.isascii()))

    def read(self, text: str, namespace: str) -> Message | Attached:
        """Read a notification.

        Args:
            text: The notification.
            namespace: The namespace of its channel: the official emitter does not tell it.

        Raises:
            MalformedMessage: It is none.
        """
        fields = self._fields(text, namespace)
        return self._attached(fields) or read(fields)

    def read_unless(self, skips: Skips, text: str, namespace: str) -> Message | Attached | None:
        """The same; None for an event that need not be read.

        Raises:
            MalformedMessage: It is none.
        """
        fields = self._fields(text, namespace)
        return self._attached(fields) or read_unless(skips, fields)

    def _fields(self, text: str, namespace: str) -> Mapping[str, Any]:
        try:
            fields = checks.mapping(loads(text))
        except ProtocolError as error:
            checks.refuse(str(error))
        return _with_namespace(fields, namespace)

    def _attached(self, fields: Mapping[str, Any]) -> Attached | None:
        if fields.get("attachmentId") is None:
            return None
        ours = fields.get("python")
        hints: Mapping[str, Any] = {} if ours is None else checks.mapping(ours)
        room = hints.get("room")
        return Attached(
            _row_number(fields["attachmentId"]),
            checks.identifier(fields.get("uid")),
            checks.optional_identifier(hints.get("to")),
            room if isinstance(room, str) else None,
        )

    def read_row(self, payload: bytes, namespace: str) -> Message:
        """Read the content of a row.

        Raises:
            MalformedMessage: It is no message.
        """
        return read(_with_namespace(checks.mapping(unpack(payload)), namespace))


def answers_another(text: str, server_id: str) -> bool:
    """True if a notification is an answer to another server, as far as its first characters tell.

    Everybody gets every answer. The ids of requests begin with the id of the server that asked.
    """
    return text.startswith(_ANSWERS) and server_id not in text


_ANSWERS = tuple(f'{{"type":{type_.value},"data":{{"requestId":"' for type_ in sorted(ANSWERS))


def _around_number(message: Message) -> tuple[str, str]:
    """A notification as text before and behind the number of the row."""
    head = {"uid": message.sender, "type": int(message.type), "attachmentId": ""}
    hints = {"to": message.recipient} if message.recipient is not None else {}
    if message.room is not None and len(message.room) <= MAX_ROOM_LENGTH:
        hints["room"] = message.room
    # As ASCII, whatever the encoding of the database is.
    before = json.dumps(head, separators=(",", ":")).removesuffix('"}')
    after = f',"python":{json.dumps(hints)}' if hints else ""
    return before, f'"{after}}}'


def _with_namespace(fields: Mapping[str, Any], namespace: str) -> Mapping[str, Any]:
    return fields if fields.get("nsp") is not None else {**fields, "nsp": namespace}


def _row_number(value: Any) -> int:
    """The number of a row, which is text in JavaScript."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 19:
        value = int(value)
    if type(value) is int and 0 < value < 2**63:
        return value
    checks.refuse("the number of a row is none")
