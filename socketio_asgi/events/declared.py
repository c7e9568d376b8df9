"""Events to clients, declared once, with the types of their values and of their acknowledgement.

Source: https://socket.io/docs/v4/typescript/ has the same idea for the official implementation.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, Protocol, TypeVar, cast, overload

from ..checks import check_text
from ..protocol import RESERVED_EVENTS
from ..runtime.callables import is_async
from ..validation.annotations import EMPTY, Names, typed_signature
from .acks import ACK_SECONDS, Pick, first_value
from .foreign_words import EMIT, unexpected
from .outgoing import Outgoing, OutgoingArgument, Reply, type_of
from .signatures import check_name

if TYPE_CHECKING:
    from typing_extensions import TypeForm

ParamsT = ParamSpec("ParamsT")
ReplyT = TypeVar("ReplyT")
FirstT = TypeVar("FirstT")
SecondT = TypeVar("SecondT")
ThirdT = TypeVar("ThirdT")
FourthT = TypeVar("FourthT")
AckT = TypeVar("AckT")
ResultT_co = TypeVar("ResultT_co", covariant=True)

_Kinds = inspect.Parameter
_NOTHING: Names = {}
_NO_ACK: Any = object()


class EmitTarget(Protocol[ResultT_co]):
    """Something that sends events: a server, a namespace, a socket, a choice of sockets."""

    def emit(self, event: str, /, *args: Any) -> ResultT_co:
        """Send an event."""
        ...


class Event(Generic[ParamsT, ReplyT]):
    """An event that the server sends, with the types of its values.

    It stands where the name of an event stands: ``io.to("room").emit(news, item)``. Values are
    written through their types: fields that a type does not have are left out, and aliases are
    used. For names of parameters, defaults and documentation, use :func:`event_stub`.

    Args:
        name: The name of the event.
        *types: The types of its values, four at the most.
        ack: The type of the acknowledgement by clients, a tuple for several values, None for one
            without a value; when it is left out, there is none.
        description: What it is for.

    Raises:
        TypeError: The name is not text, or there are no rules for a type.
        ValueError: The name is reserved.

    Attributes:
        name: The same.
        description: The same.

    Example:
        ```python
        news = Event("news", NewsItem)

        await io.to("readers").emit(news, NewsItem("Hello"))
        ```
    """

    if TYPE_CHECKING:  # six lines each that differ in the number of types

        @overload
        def __init__(self: Event[[], None], name: str, /, *, description: str = ...) -> None: ...
        @overload
        def __init__(
            self: Event[[], AckT], name: str, /, *, ack: TypeForm[AckT], description: str = ...
        ) -> None: ...
        @overload
        def __init__(
            self: Event[[FirstT], None],
            name: str,
            a: TypeForm[FirstT],
            /,
            *,
            description: str = ...,
        ) -> None: ...
        @overload
        def __init__(
            self: Event[[FirstT], AckT],
            name: str,
            a: TypeForm[FirstT],
            /,
            *,
            ack: TypeForm[AckT],
            description: str = ...,
        ) -> None: ...
        @overload
        def __init__(
            self: Event[[FirstT, SecondT], None],
            name: str,
            a: TypeForm[FirstT],
            b: TypeForm[SecondT],
            /,
            *,
            description: str = ...,
        ) -> None: ...
        @overload
        def __init__(
            self: Event[[FirstT, SecondT], AckT],
            name: str,
            a: TypeForm[FirstT],
            b: TypeForm[SecondT],
            /,
            *,
            ack: TypeForm[AckT],
            description: str = ...,
        ) -> None: ...
        @overload
        def __init__(
            self: Event[[FirstT, SecondT, ThirdT], None],
            name: str,
            a: TypeForm[FirstT],
            b: TypeForm[SecondT],
            c: TypeForm[ThirdT],
            /,
            *,
            description: str = ...,
        ) -> None: ...
        @overload
        def __init__(
            self: Event[[FirstT, SecondT, ThirdT], AckT],
            name: str,
            a: TypeForm[FirstT],
            b: TypeForm[SecondT],
            c: TypeForm[ThirdT],
            /,
            *,
            ack: TypeForm[AckT],
            description: str = ...,
        ) -> None: ...
        @overload
        def __init__(
            self: Event[[FirstT, SecondT, ThirdT, FourthT], None],
            name: str,
            a: TypeForm[FirstT],
            b: TypeForm[SecondT],
            c: TypeForm[ThirdT],
            d: TypeForm[FourthT],
            /,
            *,
            description: str = ...,
        ) -> None: ...
        @overload
        def __init__(
            self: Event[[FirstT, SecondT, ThirdT, FourthT], AckT],
            name: str,
            a: TypeForm[FirstT],
            b: TypeForm[SecondT],
            c: TypeForm[ThirdT],
            d: TypeForm[FourthT],
            /,
            *,
            ack: TypeForm[AckT],
            description: str = ...,
        ) -> None: ...

    def __init__(
        self, name: str, /, *types: Any, ack: Any = _NO_ACK, description: str = ""
    ) -> None:
        check_name(name, "Event")
        if name in RESERVED_EVENTS:
            raise ValueError(f"the event name {name!r} is reserved; choose another one")
        check_text("description", description)
        self.name: str = name
        self.description: str = description
        numbers = [""] if len(types) == 1 else range(1, len(types) + 1)
        arguments = [
            OutgoingArgument(f"value{number}", type_of(each, _NOTHING, repr(name)))
            for number, each in zip(numbers, types, strict=True)
        ]
        self.__socketio__: Outgoing = Outgoing(
            name,
            arguments,
            None if ack is _NO_ACK else Reply(name, ack, _NOTHING),
            _NOTHING,
        )

    def __repr__(self) -> str:
        return f"<Event {self.name}>"

    def emit(
        self, target: EmitTarget[ResultT_co], /, *args: ParamsT.args, **kwargs: ParamsT.kwargs
    ) -> ResultT_co:
        """Send the event: the same as ``target.emit(event, ...)``.

        Args:
            target: A server, a namespace, a socket, or a choice of sockets such as
                ``io.to("room")``.
            *args: Its values.
            **kwargs: Its values, by the names of the parameters.

        Raises:
            TypeError: The values do not fit the event.
        """
        emit: Callable[..., ResultT_co] = target.emit
        return emit(self, *args, **kwargs)


AnyEvent = Event[..., Any]
"""An event, whatever its types."""


def event_stub(name: str) -> Callable[[Callable[ParamsT, ReplyT]], Event[ParamsT, ReplyT]]:
    """Declare an event by a function that is never called.

    Its parameters are those of the event, its return annotation is the type of the acknowledgement
    by clients (None is no acknowledgement), and its docstring is the documentation.

    Args:
        name: The name of the event.

    Raises:
        TypeError: The name is not text, or there are no rules for a type.
        ValueError: The name is reserved.

    Example:
        ```python
        @event_stub("ask")
        def ask(question: str, choices: list[str] | None = None) -> str:
            \"\"\"Ask for an opinion.\"\"\"
            raise NotImplementedError

        answer = await socket.emit_with_ack(ask, "Tea?", choices=["yes", "no"])
        ```
    """
    check_name(name, "@event_stub")

    def declare(function: Callable[ParamsT, ReplyT]) -> Event[ParamsT, ReplyT]:
        event = cast(
            "Event[ParamsT, ReplyT]", Event(name, description=inspect.getdoc(function) or "")
        )
        event.__socketio__ = _from_function(name, function)
        return event

    return declare


def _from_function(name: str, function: Callable[..., Any]) -> Outgoing:
    if is_async(function):
        raise TypeError(f"declare the event {name!r} with def, not with async def: {function!r}")
    signature = typed_signature(function)
    arguments: list[OutgoingArgument] = []
    for each in signature.parameters:
        if each.kind in (_Kinds.KEYWORD_ONLY, _Kinds.VAR_KEYWORD):
            raise TypeError(
                f"the values of an event are sent by position, and the parameter {each.name!r} of"
                f" {name!r} has none: {function!r}"
            )
        known = type_of(each.annotation, signature.names, f"{name!r}, parameter {each.name},")
        arguments.append(OutgoingArgument(each.name, known, each.default, each.kind))
    returns = signature.returns
    silent = returns is None or returns is type(None) or returns is EMPTY
    reply = None if silent else Reply(name, returns, signature.names)
    return Outgoing(name, arguments, reply, signature.names)


def declared_ack(
    event: object, options: Mapping[str, Any], timeout: float = ACK_SECONDS
) -> tuple[Pick, Mapping[str, Any], float]:
    """Find out how the acknowledgement of an event is waited for, and read.

    Args:
        event: The event, or the name of one.
        options: What was given by name, without the time.
        timeout: What was given as ``timeout``.

    Returns:
        What makes the result of the values, what is given by name to the event itself, and the time
        to wait in seconds.

    Raises:
        TypeError: The event was declared without an acknowledgement.
    """
    if not isinstance(event, Event):
        return first_value, options, timeout
    declared = cast("AnyEvent", event)
    reply = declared.__socketio__.reply
    if reply is None:
        raise TypeError(
            f"the event {declared.name!r} was declared without an acknowledgement: say its type, as"
            f" in Event({declared.name!r}, ack=bool), or None for one without a value"
        )
    if timeout is not ACK_SECONDS:  # it was given, and with an event that is one of its parameters
        options, timeout = {**options, "timeout": timeout}, ACK_SECONDS
    return reply.read, options, timeout


def name_and_values(
    event: object, args: Sequence[Any], options: Mapping[str, Any]
) -> tuple[Any, Sequence[Any]]:
    """The name of an event that is sent, and its values.

    Args:
        event: A name, or a declared event; anything else is returned, for the check of names.
        args: The values by position.
        options: The values by name.

    Raises:
        TypeError: The values do not fit a declared event, or come by name without one.
    """
    if isinstance(event, Event):
        declared = cast("AnyEvent", event)
        return declared.name, declared.__socketio__.write(args, options)
    if options:
        name = next(iter(options))
        if name in EMIT:
            raise unexpected("emit", options, EMIT)
        raise TypeError(
            f"the values of an event are sent by position, but {name!r} is given by name; only an"
            " Event knows names, and only those of its own parameters"
        )
    return event, args
