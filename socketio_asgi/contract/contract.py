"""The contract of an application: which events its clients may send, and which they get."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from .asyncapi import asyncapi
from .description import Description, EventDescription, TypeUse
from .json_schema import Mode
from .page import page
from .schemas import Schemas
from .typescript import EventTypes, typescript


class Contract:
    """The events of an application, and their types; get one with :meth:`Server.contract`.

    Args:
        description: The events as plain data.

    Attributes:
        description: The same.
    """

    def __init__(self, description: Description) -> None:
        self.description: Description = description

    def __repr__(self) -> str:
        return f"<Contract {self.description.title} {self.description.version}>"

    def typescript(self) -> str:
        """Interfaces in TypeScript that type ``socket.io-client``.

        ``ClientToServerEvents`` and ``ServerToClientEvents`` are those of the main namespace; the
        names for others begin with the name of the namespace. The text is the same for the same
        application, so that it can be kept and compared.

        Raises:
            TypeError: An event takes any number of values, and has an acknowledgement.

        Source: https://socket.io/docs/v4/typescript/
        """
        return typescript(self.description, self._schemas)

    def asyncapi(self) -> dict[str, Any]:
        """An AsyncAPI document, for ``json.dumps``.

        Source: https://www.asyncapi.com/docs/reference/specification/v3.1.0
        """
        return asyncapi(self.description, self._schemas)

    def html(self) -> str:
        """A page that shows the events, without scripts, and without a request to another host.

        Raises:
            TypeError: An event takes any number of values, and has an acknowledgement.
        """
        return page(self.description, EventTypes(self._schemas, self.description.error))

    @cached_property
    def _schemas(self) -> Schemas:
        return Schemas(_uses(self.description))


def _uses(description: Description) -> Iterator[tuple[TypeUse, Mode]]:
    """All types of a contract, with the direction of their values."""
    if description.error is not None:
        yield description.error, "output"
    for namespace in description.namespaces:
        for event in namespace.receives:
            yield from _uses_of(event, "input", "output")
        for event in namespace.sends:
            yield from _uses_of(event, "output", "input")


def _uses_of(event: EventDescription, way: Mode, back: Mode) -> Iterator[tuple[TypeUse, Mode]]:
    for argument in event.arguments:
        yield argument.type, way
    for use in event.ack or ():
        yield use, back
    for error in event.errors:
        if error.details is not None:
            yield error.details, "output"
