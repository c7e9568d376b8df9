"""Values out of the request of a connection: its query, headers and cookies.

A framework reads and converts them (:class:`Reader`). They do not change as long as the connection
lasts, so they are read once for each connection, unless they are objects that a handler may change.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from importlib import import_module
from typing import Any, Protocol, cast
from uuid import UUID

from starlette.requests import HTTPConnection

from ...validation.annotations import TypedParameter
from .supplies import KEPT

UNCHANGING: tuple[type, ...] = (
    *(type(None), str, int, float, bool, bytes),
    *(date, time, timedelta, Decimal, Enum, UUID),
)
"""The types whose values may be kept: nothing that is done with them changes them."""


class Reader(Protocol):
    """Reads values for some parameters from the request of a connection."""

    async def read(self, request: HTTPConnection) -> Mapping[str, Any]:
        """The values by the names of the parameters.

        Raises:
            EventValidationError: The request lacks a value, or one cannot be converted.
        """
        ...


ReaderFactory = Callable[[Sequence[TypedParameter], Callable[..., Any]], Reader]
"""Makes a reader for some parameters of a function.

Raises TypeError when they cannot be read from the request of a connection.
"""


def fastapi_reader(
    parameters: Sequence[TypedParameter], function: Callable[..., Any]
) -> KeepingReader:
    """A reader that reads as FastAPI does."""
    # By its name: what belongs to a framework is above, and needs the framework.
    module = import_module("socketio_asgi.integrations.fastapi")
    make = cast("ReaderFactory", module.ConnectionReader)
    return KeepingReader(make(parameters, function))


class KeepingReader:
    """Keeps what another reader has read, for as long as the connection lasts.

    Args:
        reader: The other reader.
    """

    __slots__ = ("_reader",)

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def read(self, request: HTTPConnection) -> Mapping[str, Any]:
        """The values; see :meth:`Reader.read`."""
        scope = request.scope
        # The scope is that of the event, the dict in it that of the connection.
        kept: dict[Any, Any] | None = scope.get(KEPT)
        # A token may have come in place of an earlier one.
        token = _authorization(scope["headers"])
        if kept is not None and self in kept:
            known_token, known_values = kept[self]
            if known_token == token:
                return cast("Mapping[str, Any]", known_values)
        values = await self._reader.read(request)
        if kept is not None and all(isinstance(item, UNCHANGING) for item in values.values()):
            kept[self] = token, values
        return values


def _authorization(headers: Sequence[tuple[bytes, bytes]]) -> bytes | None:
    return next((value for name, value in headers if name == b"authorization"), None)
