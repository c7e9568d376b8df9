"""The broker below a suite, and what the suite may do to it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Unpack

from ...adapters.cluster import ClusterAdapter, ClusterSettings


class Broker(ABC):
    """A broker, as the suite sees it: it makes adapters, and has faults on demand.

    Only :meth:`adapter` has to be there. Tests of faults that a broker does not override are
    skipped.
    """

    @abstractmethod
    async def adapter(self, key: str, **options: Unpack[ClusterSettings]) -> ClusterAdapter:
        """Make the adapter of one server.

        Args:
            key: The name of the cluster, with letters, digits and hyphens: servers with equal keys
                belong together, and those of another key must hear nothing of them.
            options: The options that all adapters have in common, to be handed on.
        """

    async def open(self) -> None:  # noqa: B027  # most have nothing to begin
        """Begin, in the event loop of the test, before any adapter is made."""

    async def close(self) -> None:  # noqa: B027
        """End what was begun, after all adapters are closed."""

    async def cut(self, adapter: ClusterAdapter) -> None:
        """End the connections of a server, and refuse new ones; its adapter notices both at once.

        Args:
            adapter: The adapter of the server.
        """
        raise NotImplementedError

    async def restore(self, adapter: ClusterAdapter) -> None:
        """Let a server connect again that was cut off."""
        raise NotImplementedError

    async def inject(self, key: str, data: bytes) -> None:
        """Publish data that are no message to where the servers read events for all sockets.

        Args:
            key: The name of their cluster; the namespace is the main one.
            data: The data.
        """
        raise NotImplementedError

    def can(self, hook: str) -> bool:
        """True if a broker has one of the hooks for faults.

        Args:
            hook: The name of the method.
        """
        return getattr(type(self), hook) is not getattr(Broker, hook)
