"""The events of an application as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Library = Literal["own", "pydantic", "msgspec"]
"""Whose rules hold for a type."""


@dataclass(frozen=True, slots=True)
class TypeUse:
    """A type that something has.

    Attributes:
        annotation: The type; Any where none is known.
        library: Whose rules hold for it.
        names: Names for the annotations of classes in it.
    """

    annotation: Any
    library: Library = "own"
    names: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of an event.

    Attributes:
        name: Its name; for readers, as values are sent by position.
        type: Its type.
        required: Whether it must be there.
        rest: Whether it stands for any number of values.
    """

    name: str
    type: TypeUse
    required: bool = True
    rest: bool = False


@dataclass(frozen=True, slots=True)
class DeclaredError:
    """An error that an event may be answered with.

    Attributes:
        code: Its code.
        message: What it means.
        details: The type of its details, if it has any.
    """

    code: str
    message: str = ""
    details: TypeUse | None = None


@dataclass(frozen=True, slots=True)
class EventDescription:
    """An event.

    Attributes:
        name: Its name.
        arguments: Its arguments, in their order.
        ack: The types of the values of its acknowledgement; None when it has none, or one that is
            not known.
        errors: The errors that the acknowledgement may be instead.
        text: What it is for.
    """

    name: str
    arguments: tuple[Argument, ...] = ()
    ack: tuple[TypeUse, ...] | None = None
    errors: tuple[DeclaredError, ...] = ()
    text: str = ""


@dataclass(frozen=True, slots=True)
class NamespaceDescription:
    """A namespace.

    Attributes:
        name: Its name, or the pattern of the names of dynamic ones.
        title: A name for it that can be a part of names in programs; empty for the main one.
        receives: The events that clients send, by name.
        sends: The events that they get, by name.
        dynamic: Whether it stands for all namespaces whose names fit.
        text: What it is for.
    """

    name: str
    title: str
    receives: tuple[EventDescription, ...] = ()
    sends: tuple[EventDescription, ...] = ()
    dynamic: bool = False
    text: str = ""


@dataclass(frozen=True, slots=True)
class Description:
    """An application.

    Attributes:
        title: Its name.
        version: The version of its interface.
        path: The path where clients connect.
        namespaces: Its namespaces, by name.
        error: The type of errors in acknowledgements; None for the usual one.
    """

    title: str
    version: str
    path: str
    namespaces: tuple[NamespaceDescription, ...] = ()
    error: TypeUse | None = None
