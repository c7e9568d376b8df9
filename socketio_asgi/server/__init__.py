"""The server: namespaces, sockets, and the way of an event between them."""

from .observer import Observer

__all__ = ["Observer"]
