"""Questions to the other servers, and the answers that they still owe.

Servers that send heartbeats are known by name; of others, the broker tells only how many there are,
and is asked again while the answers come. Named ones that it does not see are not waited for; an
answer that comes from them all the same is taken.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from typing import Any

from ...events.acks import BroadcastAcks, wait_at_most
from ...runtime import Event, Runtime
from .message import ClientCount, ClientReply, FoundSockets, Message, MessageType, Reply


class OwingServers:
    """The servers that owe an answer; see :class:`~socketio_asgi.events.acks.OtherServers`.

    Until :meth:`begin` they are not known, and so the waiting goes on.

    Attributes:
        here: Whether this server itself has not delivered yet, and so the waiting goes on too.
    """

    __slots__ = (
        "_answered",
        "_begun",
        "_gone",
        "_lost",
        "_named",
        "_nameless",
        "_unnamed",
        "here",
    )

    def __init__(self) -> None:
        self.here: bool = False
        self._begun = False
        self._named: set[str] = set()
        self._unnamed = 0
        self._answered: set[str] = set()
        self._nameless = 0  # answers that do not say whose they are
        self._gone: list[str] = []
        self._lost = 0

    @property
    def begun(self) -> bool:
        """True once it is known which servers owe something."""
        return self._begun

    @property
    def owing(self) -> int:
        """The number of servers that have not answered; one until they are known."""
        return self._missing + self.here

    @property
    def _missing(self) -> int:
        return len(self._named) + self._unnamed if self._begun else 1

    @property
    def silent(self) -> int:
        """The number of servers that have not answered, with those that never will."""
        return self._missing + len(self._gone) + self._lost

    @property
    def silent_ids(self) -> tuple[str, ...]:
        """The ids of those, as far as they are known."""
        return (*self._gone, *sorted(self._named))

    @property
    def names(self) -> set[str]:
        """The ids of the servers that owe an answer, or have given it."""
        return self._named | self._answered

    def begin(self, named: Collection[str], unnamed: int = 0) -> None:
        """These servers owe an answer, and so many others without a known name."""
        self._begun = True
        self._named = set(named) - self._answered - set(self._gone)
        strangers = len(self._answered.difference(named)) + self._nameless
        self._unnamed = max(0, unnamed - strangers)

    def answered(self, server: str | None) -> bool:
        """Note that a server has answered; False when it has done so before."""
        if server is None:
            self._nameless += 1
        elif server in self._answered:
            return False
        else:
            self._answered.add(server)
        if server in self._named:
            self._named.discard(server)
        elif server in self._gone:
            self._gone.remove(server)
        elif self._unnamed:
            self._unnamed -= 1
        # Otherwise it joined meanwhile: one more answer, beyond those that are owed.
        return True

    def gone(self, server: str) -> bool:
        """Note that a server has ended; True when it still owed an answer."""
        if server not in self._named:
            return False
        self._named.discard(server)
        self._gone.append(server)
        return True

    def recount(self, others: int, absent: frozenset[str]) -> None:
        """Note which other servers are left; enough answers end the waiting.

        Args:
            others: The number of other servers that are there.
            absent: The ids of servers that are not.
        """
        for server in self._named & absent:
            self.gone(server)
        known = len(self._answered - absent) + self._nameless
        left = max(0, others - known - len(self._named))
        if left < self._unnamed:
            self._lost += self._unnamed - left
            self._unnamed = left

    def give_up(self) -> None:
        """Called when no answer will come any more."""
        self._lost += self._unnamed if self._begun else 1
        self._gone.extend(sorted(self._named))
        self._begun, self._unnamed = True, 0
        self._named.clear()


class Request:
    """One question, in the table of its server until its answers are not wanted any more.

    Attributes:
        id: The id that answers carry.
        namespace: The namespace that it concerns.
        servers: The servers that owe an answer.
    """

    def __init__(self, id: str, namespace: str) -> None:
        self.id: str = id
        self.namespace: str = namespace
        self.servers: OwingServers = OwingServers()

    def answer(self, message: Message) -> None:
        """Take an answer, whatever it is."""

    def server_gone(self, server: str) -> None:
        """Called when a server has ended."""
        if self.servers.gone(server):
            self.changed()

    @property
    def waits(self) -> bool:
        """True while something is to come from other servers."""
        return self.servers.owing > 0

    @property
    def names(self) -> set[str]:
        """The ids of the servers from which something came, or is to come."""
        return self.servers.names

    def recount(self, others: int, absent: frozenset[str]) -> None:
        """The broker was asked again; see :meth:`.OwingServers.recount`."""
        self.servers.recount(others, absent)
        self.changed()

    def changed(self) -> None:
        """Look whether the waiting is over."""


class Answers(Request):
    """A question that each server answers once."""

    def __init__(self, id: str, namespace: str, type_: MessageType, runtime: Runtime) -> None:
        super().__init__(id, namespace)
        self._type = type_
        self._runtime = runtime
        self._done: Event = runtime.event()
        self.values: list[Any] = []

    def answer(self, message: Message) -> None:
        """Take an answer of the right type."""
        if message.type is not self._type:
            return
        values: list[Any] = []
        match message.body:
            case FoundSockets():
                values = message.body.details()
            case Reply(value):
                values = [value]
            case _:
                pass
        if self.servers.answered(message.sender or None):
            self.values += values
            self.changed()

    def changed(self) -> None:
        """Look whether the waiting is over."""
        if not self.servers.owing:
            self._done.set()

    async def wait(self, seconds: float) -> None:
        """Wait until all servers have answered, or will not, but no longer than that."""
        await wait_at_most(self._runtime, self._done, seconds)


class AckRequest(Request):
    """A broadcast that asks for acknowledgements.

    Each server says first how many clients it has reached; these answer one by one.
    """

    def __init__(self, id: str, namespace: str, acks: BroadcastAcks) -> None:
        super().__init__(id, namespace)
        self._acks = acks
        # The clients of each server that have not answered.
        self._clients: Counter[str] = Counter()

    def answer(self, message: Message) -> None:
        """Take the number of clients, or what one of them has answered."""
        sender = message.sender
        match message.type, message.body:
            case MessageType.BROADCAST_CLIENT_COUNT, ClientCount(clients):
                if self.servers.answered(sender or None):
                    self._clients[sender] += clients
                    self._acks.expect(clients)
            case MessageType.BROADCAST_ACK, ClientReply(values):
                self._clients[sender] -= 1
                self._acks.reply("", list(values))
            case MessageType.CLIENT_GONE, _:
                self._clients[sender] -= 1
                self._acks.gone("")
            case _:
                pass

    def server_gone(self, server: str) -> None:
        """Called when a server has ended, and with it the clients that it has counted."""
        self._lose(server)
        super().server_gone(server)

    def _lose(self, server: str) -> None:
        unanswered = self._clients.pop(server, 0)
        if unanswered > 0:
            self._acks.lose(unanswered)

    @property
    def waits(self) -> bool:
        """True while a server, or a client of one, is to answer."""
        return super().waits or any(count > 0 for count in self._clients.values())

    def recount(self, others: int, absent: frozenset[str]) -> None:
        """The broker was asked again: clients are gone with their servers."""
        super().recount(others, absent)
        for server in absent & self._clients.keys():
            self._lose(server)
        if others <= len(self.names - absent):
            self._lose("")  # all that are there have names

    def changed(self) -> None:
        """Look whether the waiting is over."""
        self._acks.check()

    def lose_all(self) -> None:
        """Called when no client of another server will answer any more."""
        unanswered = sum(count for count in self._clients.values() if count > 0)
        self._clients.clear()
        self._acks.lose(unanswered)


class Requests:
    """The open questions of a server.

    Args:
        prefix: The beginning of all ids: the id of the server, which makes them unique.
    """

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._last = 0
        self._open: dict[str, Request] = {}
        self.late_answers: int = 0

    def __len__(self) -> int:
        return len(self._open)

    def new_id(self) -> str:
        """An id that no other question has, in any namespace."""
        self._last += 1
        return f"{self._prefix}-{self._last:x}"

    def add(self, request: Request) -> None:
        """Let answers find a question."""
        self._open[request.id] = request

    def remove(self, request: Request) -> None:
        """Let answers find it no more."""
        self._open.pop(request.id, None)

    def waiting(self, condition: Callable[[Request], bool]) -> list[Request]:
        """The open questions for which a condition is true."""
        return [request for request in self._open.values() if condition(request)]

    def answer(self, message: Message) -> None:
        """Lead an answer to its question; one that comes too late is counted."""
        request = None if message.request is None else self._open.get(message.request)
        if request is None or request.namespace != message.namespace:
            self.late_answers += 1
        else:
            request.answer(message)

    def server_gone(self, server: str, namespaces: Iterable[str] | None = None) -> None:
        """Called when a server has ended, or does not have some namespaces any more."""
        gone_from = None if namespaces is None else frozenset(namespaces)
        for request in list(self._open.values()):
            if gone_from is None or request.namespace in gone_from:
                request.server_gone(server)

    def give_up(self) -> None:
        """Called when the broker is gone, and with it what the others have answered."""
        for request in list(self._open.values()):
            request.servers.give_up()
            if isinstance(request, AckRequest):
                request.lose_all()
            request.changed()
