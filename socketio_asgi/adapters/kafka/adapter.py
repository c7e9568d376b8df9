"""The adapter for Kafka, as applications make it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Unpack, cast

from ...brokers.kafka.options import ConnectSettings, connection_options
from ...brokers.kafka.topics import TopicSettings
from ...checks import check_count, check_flag, check_seconds
from ...exceptions import NotRetryable
from ..cluster.adapter import ClusterAdapter
from ..cluster.driver import Driver
from ..cluster.options import ClusterSettings
from ..provider import AdapterHost
from .driver import KafkaDriver, LogHistory

DEFAULT_SERVERS = "localhost:9092"

DEFAULT_TOPIC = "socket.io"

MAX_MESSAGE = 1_000_000
"""The largest message, in bytes: what brokers of Kafka take by default."""

DEFAULT_RETENTION = 300.0
"""How long a topic keeps messages, in seconds, where no clients are recovered."""

MARGIN_SECONDS = 60.0
"""How much longer it keeps them than a client may be away, in seconds, where they are."""

MAX_RETENTION = 30 * 86_400.0


class KafkaSettings(ClusterSettings, ConnectSettings, total=False):
    """The further keyword arguments of :class:`KafkaAdapter`."""


class KafkaAdapter(ClusterAdapter):
    """Joins servers over Kafka: ``Server(adapter=KafkaAdapter("localhost:9092"))``.

    All that servers say to one another are records of one partition, which each of them reads. A
    server that loses its connection reads on where it was, and ``connection_state_recovery`` works
    on whichever server a client comes back to.

    Args:
        servers: A broker, as ``host:port``, or several of one Kafka cluster, with commas between or
            in a list.
        topic: The topic; applications that share a Kafka need one each.
        partition: The partition of it that is used, the only one.
        create_topic: Whether the topic is made when it is absent.
        retention: How long a topic that is made keeps messages, in seconds; None for the time that
            a client may be away, and a minute more.
        replicas: The number of brokers that keep a copy of a topic that is made; None for three, or
            as many as there are.
        max_message: The largest message that the topic takes, in bytes.
        ping_interval: The time between two questions whether the brokers are there, in seconds.
        ping_timeout: How long they may take for an answer before the connection is given up, in
            seconds.
        **options: Those of :class:`.ClusterOptions`, and options of aiokafka:
            ``security_protocol``, ``ssl_context``, ``sasl_mechanism``, ``sasl_plain_username``,
            ``sasl_plain_password`` and the others of :class:`.ConnectSettings`.

    Raises:
        TypeError: A value is of another kind, or an option is not known.
        ValueError: A value makes no sense.
    """

    def __init__(
        self,
        servers: str | Sequence[str] = DEFAULT_SERVERS,
        *,
        topic: str = DEFAULT_TOPIC,
        partition: int = 0,
        create_topic: bool = True,
        retention: float | None = None,
        replicas: int | None = None,
        max_message: int = MAX_MESSAGE,
        ping_interval: float = 2.0,
        ping_timeout: float = 5.0,
        **options: Unpack[KafkaSettings],
    ) -> None:
        cluster, connect = _divided(options)
        super().__init__(self._new_driver, **cluster)
        self._connection_options = connection_options(
            servers,
            topic,
            partition,
            connect,
            max_message=max_message,
            ping_interval=ping_interval,
            ping_timeout=ping_timeout,
        )
        self._create_topic = check_flag("create_topic", create_topic)
        if retention is not None:
            check_seconds("retention", retention, MAX_RETENTION)
        self._retention = retention
        if replicas is not None:
            check_count("replicas", replicas, "brokers")
        self._replicas = replicas
        self._history = LogHistory()

    def enter(self, host: AdapterHost) -> None:
        """Begin in an event loop; see :meth:`.AdapterProvider.enter`."""
        super().enter(host)
        self._history = LogHistory()

    def _new_driver(self) -> Driver:
        seconds_away = max(map(_seconds_away, self._namespaces.values()), default=0.0)
        topic = self._settings(seconds_away) if self._create_topic else None
        return KafkaDriver(self._connection_options, topic, self._history, seconds_away)

    def _settings(self, seconds_away: float) -> TopicSettings:
        retention = self._retention
        if retention is None:
            retention = seconds_away + MARGIN_SECONDS if seconds_away else DEFAULT_RETENTION
        elif retention < seconds_away:
            raise NotRetryable(
                f"retention={retention:g} of Kafka is less than"
                f" max_disconnection_duration={seconds_away:g}: the messages that a client has"
                " missed would be gone"
            )
        return TopicSettings(retention, self._replicas)


def _divided(options: KafkaSettings) -> tuple[ClusterSettings, Mapping[str, Any]]:
    names = ClusterSettings.__annotations__
    cluster = {name: value for name, value in options.items() if name in names}
    connect = {name: value for name, value in options.items() if name not in names}
    return cast("ClusterSettings", cluster), connect


def _seconds_away(namespace: Any) -> float:
    recovery = namespace.namespace.recovery
    return recovery.max_disconnection_duration if recovery and namespace.recovers else 0.0
