"""The namespaces of a server, by name, and those that are made when a client asks for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from ..events.listeners import call_all
from .namespace import Namespace
from .namespace_core import NamespaceCore
from .parent_namespace import ParentCore


class NamespaceRegistry:
    """The namespaces of a server.

    Attributes:
        by_name: The namespaces that there are, by name; always the same mapping, which changes.
        on_new: Listeners that are called with each namespace that is added, the main one excepted.
    """

    def __init__(self) -> None:
        self.on_new: list[Callable[[Namespace], object]] = []
        self._namespaces: dict[str, Namespace] = {}
        self.by_name: Mapping[str, Namespace] = MappingProxyType(self._namespaces)
        self._parents: list[ParentCore] = []

    def __len__(self) -> int:
        return len(self._namespaces)

    def __contains__(self, name: str) -> bool:
        return name in self._namespaces

    def all(self) -> list[NamespaceCore]:
        """All namespaces that clients may join at present."""
        return [namespace.__socketio__ for namespace in self._namespaces.values()]

    @property
    def parents(self) -> Sequence[ParentCore]:
        """The parents of dynamic namespaces."""
        return self._parents

    def get(self, name: str) -> Namespace | None:
        """The namespace of that name, or the child of the parent whose expression it fits."""
        namespace = self._namespaces.get(name)
        if namespace is not None:
            return namespace
        for parent in self._parents:
            if parent.takes(name):
                return parent.child(name)
        return None

    def add(self, namespace: Namespace) -> None:
        """Add a namespace, and tell the listeners."""
        self._namespaces[namespace.name] = namespace
        if namespace.name != "/":
            call_all(self.on_new, namespace)

    def replace(self, namespace: Namespace) -> None:
        """Put a namespace in the place of another one that has the same inside."""
        self._namespaces[namespace.name] = namespace

    def add_parent(self, parent: ParentCore) -> None:
        """Add a parent, which is asked about names that are unknown."""
        self._parents.append(parent)

    def remove(self, name: str) -> None:
        """Forget a namespace."""
        self._namespaces.pop(name, None)

    # -- as connections see it ---------------------------------------------------------------

    def find(self, name: str) -> NamespaceCore | None:
        """The namespace of that name, if there is one already."""
        namespace = self._namespaces.get(name)
        return None if namespace is None else namespace.__socketio__

    @property
    def dynamic(self) -> bool:
        """True when names that are not known yet may be those of dynamic namespaces."""
        return bool(self._parents)

    async def match(self, name: str, auth: Mapping[str, Any]) -> NamespaceCore | None:
        """The dynamic namespace of that name, if one of the parents takes it."""
        for parent in self._parents:
            if await parent.matches(name, auth):
                return self.find(name) or parent.child(name).__socketio__
        return None
