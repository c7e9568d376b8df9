"""Mistakes that signatures and annotations tell, when a function is registered."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Protocol, TypeVar

import pytest

from socketio_asgi import Namespace, Server, Socket, event
from socketio_asgi.events.context import Provided
from socketio_asgi.events.planning import plan_handler
from socketio_asgi.events.plans import Handler, HandlerKind, Registration, Source
from socketio_asgi.runtime.callables import check_takes

if TYPE_CHECKING:
    from datetime import date

SocketT = TypeVar("SocketT", bound=Socket[Any])
WITH_SOCKET = [HandlerKind.EVENT, HandlerKind.LIFECYCLE, HandlerKind.MIDDLEWARE]
WITHOUT = [HandlerKind.SERVER_EVENT, HandlerKind.LISTENER, HandlerKind.EVENT_MIDDLEWARE]


class User: ...


class Emits(Protocol):
    def emit(self, event: str, *args: Any) -> Any: ...


class OwnSocket(Socket[User]): ...


def plan(function: Callable[..., Any], kind: HandlerKind = HandlerKind.EVENT) -> Handler:
    return plan_handler(Registration(function, kind, "event"))


# -- the socket is the first parameter -----------------------------------------------------------


async def swapped(text: str, socket: Socket) -> None: ...
async def swapped_bare(text, socket: Socket) -> None: ...  # type: ignore[no-untyped-def]
async def swapped_generic(text: Any, socket: Socket[User]) -> None: ...
async def swapped_later(text: Any, number: Any, socket: OwnSocket) -> None: ...
async def swapped_optional(text: Any, socket: Socket | None = None) -> None: ...
async def swapped_annotated(text: Any, socket: Annotated[Socket, "it"]) -> None: ...


def local() -> Callable[..., Any]:
    class LocalUser: ...

    async def handler(text: Any, socket: Socket[LocalUser]) -> None: ...

    return handler


@pytest.mark.parametrize(
    "function",
    [
        *(swapped, swapped_generic, swapped_later, swapped_optional),
        *(swapped_annotated, local(), functools.partial(swapped)),
    ],
)
@pytest.mark.parametrize("kind", WITH_SOCKET)
def test_a_socket_behind_arguments(function: Callable[..., Any], kind: HandlerKind) -> None:
    handler = plan(function, kind)
    assert not handler.takes_socket
    sources = [each.source for each in handler.parameters]
    assert sources == [Source.ARGUMENT] * (len(sources) - 1) + [Source.PROVIDED]
    assert handler.parameters[-1].provided is Provided.SOCKET


def test_two_sockets() -> None:
    """A first parameter without annotation is the socket, whatever follows."""
    handler = plan(swapped_bare)
    assert [each.provided for each in handler.parameters] == [Provided.SOCKET] * 2


async def text_only(text: str) -> None: ...
async def number_only(number: int | str) -> None: ...
async def values_only(values: list[str]) -> None: ...
async def data_only(data: dict[str, datetime]) -> None: ...
async def nothing_only(nothing: None) -> None: ...


@pytest.mark.parametrize("kind", WITH_SOCKET)
@pytest.mark.parametrize("function", [text_only, number_only, values_only, data_only, nothing_only])
def test_a_first_parameter_that_is_a_value(function: Callable[..., Any], kind: HandlerKind) -> None:
    handler = plan(function, kind)
    assert not handler.takes_socket
    assert handler.required == handler.maximum == 1


async def wrong(socket: int | str) -> None: ...
async def wrong_later(socket: Socket, other: unknown) -> None: ...  # type: ignore[name-defined] # noqa: F821
async def wrong_result(socket: Socket) -> unknown: ...  # type: ignore[name-defined] # noqa: F821


def test_a_socket_that_is_annotated_as_a_value() -> None:
    with pytest.raises(TypeError, match=r"'socket' .* is annotated with int \| str"):
        plan(wrong)


def test_annotations_that_are_not_known() -> None:
    import_it = r"cannot be evaluated \(name 'unknown' .*import what it names at run time"
    with pytest.raises(TypeError, match="the annotation 'unknown' of 'other' " + import_it):
        plan(wrong_later)
    with pytest.raises(TypeError, match="the return annotation 'unknown' " + import_it):
        plan(wrong_result)


async def right(socket: Socket, text: str) -> None: ...
async def right_generic(socket: Socket[User], text: str) -> None: ...
async def right_own(socket: OwnSocket) -> None: ...
async def right_bare(socket, text) -> None: ...  # type: ignore[no-untyped-def]
async def right_optional(socket: Socket | None, other: int) -> None: ...
async def right_bound(socket: SocketT, other: str) -> None: ...
async def right_protocol(socket: Emits, text: str) -> None: ...
async def right_object(socket: object, text: str) -> None: ...
async def right_union(socket: Socket | str) -> None: ...
async def right_unknown(socket: date, text: str) -> None: ...
async def right_all(*args: str) -> None: ...
async def right_none() -> None: ...


@pytest.mark.parametrize("kind", [HandlerKind.EVENT, HandlerKind.LIFECYCLE])
@pytest.mark.parametrize(
    "function",
    [
        *(right, right_generic, right_own, right_bare, right_optional, right_bound),
        *(right_protocol, right_object, right_union, right_unknown),
        *(right_all, right_none, lambda socket: None),
    ],
)
def test_right_ones(function: Callable[..., Any], kind: HandlerKind) -> None:
    plan(function, kind)


def test_annotations_that_are_no_text() -> None:
    def handler(text: Any, socket: Any) -> None: ...

    handler.__annotations__ = {"text": str, "socket": Socket}
    assert not plan(handler).takes_socket
    handler.__annotations__ = {"text": Socket[User], "socket": "list[Later]"}
    with pytest.raises(TypeError, match=r"the annotation 'list.Later.' of 'socket' cannot"):
        plan(handler)
    handler.__annotations__ = {"text": Socket[User], "socket": list["int"]}
    assert plan(handler).takes_socket


# -- functions without the socket ----------------------------------------------------------------


@pytest.mark.parametrize("kind", WITHOUT)
@pytest.mark.parametrize("function", [right, swapped, right_generic, right_optional, local()])
def test_a_socket_that_is_not_given(function: Callable[..., Any], kind: HandlerKind) -> None:
    with pytest.raises(TypeError, match="is not given the socket, but its parameter"):
        plan(function, kind)


@pytest.mark.parametrize("kind", WITHOUT)
def test_values_alone(kind: HandlerKind) -> None:
    for function in (text_only, right_bare, right_all, right_none):
        plan(function, kind)


# -- what is no function of an instance ----------------------------------------------------------


class Chat:
    async def said(self, socket: Socket, text: str) -> None: ...

    @classmethod
    async def by_class(cls, socket: Socket) -> None: ...

    @staticmethod
    async def static(socket: Socket) -> None: ...

    async def __call__(self, socket: Socket) -> None: ...


@pytest.mark.parametrize("kind", HandlerKind)
def test_a_method_of_a_class(kind: HandlerKind) -> None:
    with pytest.raises(TypeError, match=r"Chat\.said\(\) is a method, and there is no instance"):
        plan(Chat.said, kind)


@pytest.mark.parametrize("kind", HandlerKind)
def test_a_class(kind: HandlerKind) -> None:
    with pytest.raises(TypeError, match=r"Chat'> is a class; register a function"):
        plan(Chat, kind)


@pytest.mark.parametrize("function", [Chat().said, Chat.by_class, Chat.static, Chat()])
def test_methods_that_can_be_called(function: Callable[..., Any]) -> None:
    plan(function)


@pytest.mark.parametrize("value", [None, 5, "name", ["list"]])
def test_what_is_no_function(value: Any) -> None:
    with pytest.raises(TypeError, match=f"a function is needed, not {re.escape(repr(value))}"):
        plan(value)


def test_a_function_without_a_signature() -> None:
    with pytest.raises(TypeError, match="does not say which arguments it takes"):
        plan(functools.partial(min).func)


# -- through the decorators ----------------------------------------------------------------------

Decorate = Callable[[Any], Any]


def decorators() -> Sequence[tuple[str, Decorate]]:
    io = Server()
    chat = io.of("/chat")
    return [
        ("@io.on", io.on),
        ("@io.on", chat.on),
        ("@io.on_server_event", io.on_server_event),
        ("@io.on_server_event", chat.on_server_event),
        ("@event", event),
    ]


@pytest.mark.parametrize(("written", "decorator"), decorators())
def test_a_decorator_without_parentheses(written: str, decorator: Decorate) -> None:
    async def said(socket: Socket) -> None: ...

    with pytest.raises(TypeError, match=rf"the name .* is missing: write {written}\('said'\)"):
        decorator(said)


@pytest.mark.parametrize(("written", "decorator"), decorators())
def test_a_name_that_is_no_text(written: str, decorator: Decorate) -> None:
    with pytest.raises(TypeError, match=rf"must be a str, not 3; write {written}\('3'\)"):
        decorator(3)
    with pytest.raises(TypeError, match=rf"must be a str, not None; write {written}\('name'\)"):
        decorator(None)


def test_a_handler_within_a_class() -> None:
    io = Server()
    with pytest.raises(TypeError, match=r"is a method, and .*@event\('name'\)"):

        class Service:
            @io.on("said")
            async def said(self, socket: Socket, text: str) -> None: ...

    assert io.sockets.__socketio__.handlers.event("said") is None


def test_a_class_instead_of_an_instance() -> None:
    class Chat(Namespace): ...

    with pytest.raises(TypeError, match=r"an instance of the class: io\.register\(Chat\('/name'\)"):
        Server().register(Chat)  # type: ignore[type-var]
    for value in ("/chat", None, Server()):
        with pytest.raises(TypeError, match="an instance of a subclass of Namespace, not"):
            Server().register(value)  # type: ignore[type-var]


@pytest.mark.parametrize("name", ["newListener", "removeListener"])
def test_names_that_no_client_can_send(name: str) -> None:
    with pytest.raises(ValueError, match="is reserved: no client can send it"):
        Server().on(name)(right)


def test_functions_that_decide_about_namespaces() -> None:
    for function in (lambda name: True, lambda: True, lambda name, auth, more: True):
        with pytest.raises(TypeError, match=r"a name and an auth; .* does not fit: "):
            Server().of(function)  # type: ignore[arg-type]

    def with_option(name: str, auth: Any, option: bool = True) -> bool:
        return option

    Server().of(with_option)
    with pytest.raises(TypeError, match="is a str, not 5"):
        Server().of(5)  # type: ignore[call-overload]


def test_listeners_to_new_namespaces() -> None:
    with pytest.raises(TypeError, match=r"is given the namespace; .* does not fit: "):
        Server().on_new_namespace(lambda: None)  # type: ignore[type-var]


def test_how_many_arguments_something_takes() -> None:
    check_takes(print, 1, "it is given one")
    check_takes(min, 1, "it is given one")  # says nothing about itself
    check_takes(lambda *args: None, 7, "it is given seven")
    with pytest.raises(TypeError, match="it is given one; 5 cannot be called"):
        check_takes(5, 1, "it is given one")
