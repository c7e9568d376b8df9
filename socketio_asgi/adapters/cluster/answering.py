"""Answers to the questions of other servers."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Any, Protocol, cast

from ...events.acks import ACK_SECONDS
from ...runtime.awaitables import DONE
from ..base import SocketDetails
from ..memory import MemoryAdapter
from ..packet import to_plain
from ..target import Target
from .core import Core
from .message import (
    Body,
    Broadcast,
    ClientCount,
    ClientReply,
    FoundSockets,
    Message,
    MessageType,
    Reply,
)
from .plain_data import plain_data
from .relays import AckRelay

CREDENTIALS = frozenset({"authorization", "cookie", "proxy-authorization"})
"""The headers by which a client proves who it is; the ``auth`` of a client does the same."""


class InCluster(Protocol):
    """The adapter of a namespace, as its answers need it."""

    @property
    def core(self) -> Core:
        """The core that it shares with the other namespaces of the server."""
        ...

    def plain(self, value: Any) -> Any:
        """A value in plain types; None when it cannot be represented."""
        ...


class Answering:
    """Answers for one namespace.

    Args:
        local: Its sockets in this process.
        adapter: Its adapter.
    """

    def __init__(self, local: MemoryAdapter, adapter: InCluster) -> None:
        self._local = local
        self._adapter = adapter

    def relay(self, message: Message, body: Broadcast) -> AckRelay | None:
        """A relay for the acknowledgements; None when there are too many already."""
        core = self._adapter.core
        asker = _Asker(self._adapter, message, hears_gone=body.hears_gone)
        relay = core.relays.open(asker, body.timeout or ACK_SECONDS)
        if relay is None:
            core.dropped("too many questions of other servers at once")
            asker.expect(0)
        return relay

    async def fetch(self, message: Message, target: Target) -> None:
        """Look up the sockets of this process."""
        found = await self._local.fetch_sockets(target)
        sockets = [plain for details in found if (plain := self._plain_details(details))]
        self._adapter.core.answer(
            message, MessageType.FETCH_SOCKETS_RESPONSE, FoundSockets(sockets)
        )

    def _plain_details(self, details: SocketDetails) -> dict[str, Any] | None:
        """A socket as plain data; what has no plain form is left out, not the whole server."""
        data = details.to_dict()
        if not self._adapter.core.options.send_credentials:
            data["handshake"] = _without_credentials(data["handshake"])
        plain = self._adapter.plain(data)
        if plain is None:
            own = plain_data(details.id, data["data"], self._adapter.plain)
            plain = self._adapter.plain({**data, "data": own})
        note = self._local.notes.get(details.id)
        if plain is not None and note is not None:
            plain = {**plain, "data": _with_note(plain["data"], note)}
        return cast("dict[str, Any] | None", plain)

    async def server_event(self, message: Message, data: list[Any]) -> None:
        """Let the handler of an event of another server run, and answer what it returns."""
        event, *args = data
        reply = None
        if message.request is not None:
            reply = _FirstReply(self._adapter.core, self._local, message)
        await self._local.namespace.on_server_event_received(event, args, reply)


def _without_credentials(handshake: dict[str, Any]) -> dict[str, Any]:
    headers = handshake["headers"]
    kept = {name: value for name, value in headers.items() if name not in CREDENTIALS}
    return {**handshake, "headers": kept, "auth": {}}


def _with_note(data: Any, note: Mapping[str, Any]) -> Any:
    """The data of a socket with what is noted about it, where they can take it."""
    if data is None:
        return dict(note)
    if not isinstance(data, dict):
        return data
    return {**cast("Mapping[str, Any]", data), **note}


class _Asker:
    """The server that asked the clients of this process; see :class:`.Asker`."""

    def __init__(self, adapter: InCluster, message: Message, *, hears_gone: bool) -> None:
        self._adapter = adapter
        self._message = message
        self._hears_gone = hears_gone

    @property
    def server(self) -> str:
        """Its id."""
        return self._message.sender

    def expect(self, clients: int) -> None:
        """Tell it how many clients were reached."""
        self._tell(MessageType.BROADCAST_CLIENT_COUNT, ClientCount(clients))

    def reply(self, values: list[Any]) -> None:
        """Tell it what a client has answered."""
        plain = tuple(self._adapter.plain(value) for value in values)
        self._tell(MessageType.BROADCAST_ACK, ClientReply(plain))

    def gone(self) -> None:
        """Tell it that a client has left; official servers would not listen."""
        if self._hears_gone:
            self._tell(MessageType.CLIENT_GONE, None)

    def _tell(self, type_: MessageType, body: Body | None) -> None:
        self._adapter.core.answer(self._message, type_, body)


class _FirstReply:
    """Answers an event of another server, the first time that it is called."""

    def __init__(self, core: Core, local: MemoryAdapter, message: Message) -> None:
        self._core = core
        self._parser = local.namespace.parser
        self._message = message
        self._done = False

    def __call__(self, value: Any = None) -> Awaitable[None]:
        """Answer.

        Raises:
            EncodeError: The value cannot be represented.
        """
        plain = to_plain(value, self._parser)
        if not self._done:
            self._done = True
            type_ = MessageType.SERVER_SIDE_EMIT_RESPONSE
            self._core.answer(self._message, type_, Reply(plain))
        return DONE
