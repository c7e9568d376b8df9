"""The adapter for NATS, as applications make it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Unpack, cast

from ...brokers.nats.options import ConnectSettings, connection_options
from ...checks import shown
from ..cluster.adapter import ClusterAdapter
from ..cluster.driver import Driver
from ..cluster.names import check_prefix
from ..cluster.options import ClusterSettings
from ..provider import AdapterHost
from .driver import NatsDriver
from .jetstream import JetStreamDriver, StreamHistory
from .stream import JetStream, Stream
from .subjects import Subjects

DEFAULT_URL = "nats://127.0.0.1:4222"


class NatsSettings(ClusterSettings, ConnectSettings, total=False):
    """The further keyword arguments of :class:`NatsAdapter`."""


class NatsAdapter(ClusterAdapter):
    """Joins servers over NATS: ``Server(adapter=NatsAdapter("nats://localhost:4222"))``.

    Every event for one room goes to the servers alone that have members in it. With
    ``jetstream=True`` a stream keeps the events for a while: none is missed when a server loses its
    connection, and ``connection_state_recovery`` works on whichever server a client comes back to.

    Args:
        servers: The URL of a NATS server, several of one NATS cluster in a list or with commas
            between, or the connected client of nats-py of the application, which stays open.
        jetstream: Whether JetStream keeps the events, or how it does.
        prefix: What all subjects begin with: applications that share a NATS need one each.
        connect_timeout: How long one attempt to connect may take, in seconds.
        ping_interval: The time between two questions whether the server is there, in seconds.
        ping_timeout: How long the server may take for the answer before the connection is given
            up, in seconds.
        **options: Those of :class:`.ClusterOptions`, and options of ``nats.connect()``:
            ``user``, ``password``, ``token``, ``nkeys_seed``, ``user_credentials``, ``tls`` (an
            ``ssl.SSLContext``) and the others of :class:`.ConnectSettings`.

    Raises:
        TypeError: A value is of another kind, or an option is not known.
        ValueError: A value makes no sense.
    """

    def __init__(
        self,
        servers: str | Sequence[str] | Any = DEFAULT_URL,
        *,
        jetstream: bool | JetStream = False,
        prefix: str = "socket.io",
        connect_timeout: float = 2.0,
        ping_interval: float = 5.0,
        ping_timeout: float = 5.0,
        **options: Unpack[NatsSettings],
    ) -> None:
        cluster, connect = _divided(options)
        super().__init__(self._new_driver, **cluster)
        self._connection_options = connection_options(
            servers,
            connect,
            connect_timeout=connect_timeout,
            ping_interval=ping_interval,
            ping_timeout=ping_timeout,
        )
        self._subjects = Subjects(check_prefix(prefix))
        self._jetstream = _jetstream(jetstream)
        self._history = StreamHistory()

    def enter(self, host: AdapterHost) -> None:
        """Begin in an event loop; see :meth:`.AdapterProvider.enter`."""
        super().enter(host)
        self._history = StreamHistory(runtime=self._history.runtime)

    def _new_driver(self) -> Driver:
        if self._jetstream is None:
            return NatsDriver(self._connection_options, self._subjects, self._history)
        seconds_away = max(map(_seconds_away, self._namespaces.values()), default=0.0)
        options = self._jetstream.for_clients_away(seconds_away)
        stream = Stream(options, self._subjects, seconds_away)
        return JetStreamDriver(self._connection_options, self._subjects, self._history, stream)


def _divided(options: NatsSettings) -> tuple[ClusterSettings, Mapping[str, Any]]:
    names = ClusterSettings.__annotations__
    cluster = {name: value for name, value in options.items() if name in names}
    connect = {name: value for name, value in options.items() if name not in names}
    return cast("ClusterSettings", cluster), connect


def _seconds_away(namespace: Any) -> float:
    recovery = namespace.namespace.recovery
    return recovery.max_disconnection_duration if recovery and namespace.recovers else 0.0


def _jetstream(value: object) -> JetStream | None:
    if isinstance(value, bool):
        return JetStream() if value else None
    if not isinstance(value, JetStream):
        raise TypeError(f"jetstream must be True, False, or a JetStream, not {shown(value)}")
    return value
