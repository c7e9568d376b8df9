"""The interface of adapters that have a life of their own, such as those with a broker."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Protocol

from ..engine.directory import SessionDirectory
from ..runtime import Runtime
from .base import Adapter, LocalNamespace
from .membership import ClusterHealth
from .observer import AdapterObserver, Member


class AdapterHost(Protocol):
    """The surroundings of an :class:`AdapterProvider`: its event loop, and a place to report to."""

    @property
    def runtime(self) -> Runtime:
        """The event loop."""
        ...

    @property
    def observer(self) -> AdapterObserver | None:
        """The observer of dropped messages; None when there is none."""
        ...

    def lost(self, error: Exception) -> None:
        """Called when the broker is gone: :meth:`AdapterProvider.start` is to be called again."""
        ...

    def away(self, error: Exception) -> None:
        """Called when the broker is gone, and the provider itself tries to come back."""
        ...

    def back(self) -> None:
        """Called when the broker is there again."""
        ...

    def joined(self, member: Member) -> None:
        """Called when another server of the cluster has introduced itself."""
        ...

    def left(self, member: Member) -> None:
        """Called when another server of the cluster has ended."""
        ...


class AdapterProvider(ABC):
    """Gives each namespace of one server its adapter, and has a life of its own.

    Nothing is created before :meth:`start`, no connection, no task and no id: the object may be
    made before the process forks.

    Attributes:
        session_directory: The sessions of other processes, where requests find them without sticky
            sessions; None when they do not.
    """

    session_directory: SessionDirectory | None = None

    @abstractmethod
    def __call__(self, namespace: LocalNamespace) -> Adapter:
        """Make the adapter of a namespace, before the start or while everything runs."""

    def enter(self, host: AdapterHost) -> None:  # noqa: B027  # not every provider needs it
        """Begin in an event loop, before anything else happens there.

        What the adapters are given from now on belongs to this one. Everything of an earlier event
        loop is gone, and cannot be closed.
        """

    @abstractmethod
    async def start(self, host: AdapterHost) -> None:
        """Connect to the broker; returns when messages go out and come in.

        It is called after :meth:`enter`, and again after every failure and
        :meth:`AdapterHost.lost`.

        Raises:
            NotRetryable: It makes no sense to try again.
            Exception: It does.
        """

    def members(self) -> tuple[Member, ...]:
        """The servers of the cluster that are known by name, this one first; none before the start.

        A provider that has none stands for a server alone.
        """
        return ()

    def health(self, known: ClusterHealth) -> ClusterHealth:
        """The state of the cluster.

        Args:
            known: The same without what only the provider knows.
        """
        return known

    async def acquainted(self) -> None:  # noqa: B027  # most know nobody
        """Wait until the other servers had the time to introduce themselves."""

    async def count(self, namespace: str) -> int:
        """The number of servers that have a namespace, this one included."""
        return 1

    @abstractmethod
    async def close(self) -> None:
        """Send what waits, say goodbye, and release everything; bounded by the caller."""
