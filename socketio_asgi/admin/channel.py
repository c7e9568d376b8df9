"""The way to all pages of the admin UI, those that other servers serve included."""

from __future__ import annotations

from typing import Any

from ..server.namespace import Namespace


class Channel:
    """Tells the pages of the admin UI.

    Args:
        namespace: The admin namespace.
    """

    def __init__(self, namespace: Namespace) -> None:
        self.namespace: Namespace = namespace

    @property
    def heard(self) -> bool:
        """True when a page may be there: one of this server, or of another one."""
        core = self.namespace.__socketio__
        return bool(core.members) or core.adapter.reaches_other_processes

    def tell(self, event: str, *args: Any) -> None:
        """Send an event to all pages."""
        self.namespace.emit(event, *args)
