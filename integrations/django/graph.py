"""The servers inside an ASGI application that is made of routers and middlewares.

They are looked for in the attributes, lists and closures of the applications: middlewares have no
common name for what they wrap.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple, cast

from ...server.server import Server

MAX_DEPTH = 40
"""The deepest nesting that is followed; each router of Channels takes three, and its stack of
middlewares for users as many."""


class Place(NamedTuple):
    """A server in an application.

    Attributes:
        server: The server.
        has_user: Whether the ``AuthMiddleware`` of Channels is around it.
    """

    server: Server
    has_user: bool


def places_of(application: object, protocol: str) -> Iterator[Place]:
    """The servers that requests of a protocol may reach.

    Args:
        application: The application.
        protocol: ``"http"`` or ``"websocket"``.
    """
    return _search(application, protocol, has_user=False, depth=0, seen=set())


def _search(
    item: Any, protocol: str, *, has_user: bool, depth: int, seen: set[int]
) -> Iterator[Place]:
    if id(item) in seen or depth > MAX_DEPTH:
        return
    seen.add(id(item))
    if isinstance(item, Server):
        yield Place(item, has_user)
        return
    has_user = has_user or _is_auth_middleware(item)
    for inner in _inner(item, protocol):
        yield from _search(inner, protocol, has_user=has_user, depth=depth + 1, seen=seen)


def _is_auth_middleware(item: object) -> bool:
    return any(
        (kind.__module__, kind.__name__) == ("channels.auth", "AuthMiddleware")
        for kind in type(item).__mro__
    )


def _inner(item: Any, protocol: str) -> Iterable[object]:
    """What an application may pass requests on to."""
    mapping: object = getattr(item, "application_mapping", None)
    if isinstance(mapping, Mapping):  # a ProtocolTypeRouter
        return [cast("Mapping[str, object]", mapping).get(protocol)]
    if isinstance(item, list | tuple):
        return cast("list[object]", item)
    if isinstance(item, type) or not hasattr(item, "__dict__"):
        return ()
    if not callable(item) and not callable(getattr(item, "callback", None)):
        return ()  # no application, and no route of Django's
    return [*vars(item).values(), *_closure(item)]


def _closure(function: Any) -> Iterator[object]:
    for cell in getattr(function, "__closure__", None) or ():
        with suppress(ValueError):  # of a cell that has no value yet
            yield cell.cell_contents
