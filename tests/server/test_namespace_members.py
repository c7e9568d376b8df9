"""Subclasses of Namespace: their names are free, except those of its public members."""

from __future__ import annotations

from typing import Any

import pytest
from typing_extensions import override

from socketio_asgi import Namespace, Server, Socket, event

from .support import Connect

PUBLIC = sorted(name for name in dir(Namespace) if not name.startswith("_"))


async def test_names_that_the_package_uses_inside(io: Server, connect: Connect) -> None:
    """Each of these is an attribute or a method of something inside the server."""

    class Chat(Namespace):
        handlers = "free"

        def __init__(self) -> None:
            super().__init__("/chat")
            self.members = "free"
            self._by_pid = self._joining = self._middlewares = self._selection = "free"
            self._register_methods = self._binding = None

        @event("add")
        async def add(self, socket: Socket, value: int) -> int:
            return value + 1

        @event("remove")
        async def remove(self, socket: Socket) -> str:
            return "removed"

        @event("bind")
        async def bind(self, socket: Socket) -> str:
            return "bound"

        async def joining_ended(self) -> None:
            raise AssertionError("nobody calls this")

        async def runtime(self) -> None:
            raise AssertionError("nobody calls this")

    chat = Chat()
    io.register(chat)
    peer = await connect(io)
    peer.namespace = "/chat"
    await peer.join()
    assert await peer.ask("add", 1) == [2]
    assert await peer.ask("remove") == ["removed"]
    assert await peer.ask("bind") == ["bound"]
    assert chat.handlers == "free"


@pytest.mark.parametrize("name", PUBLIC)
def test_a_handler_cannot_take_the_name_of_a_member(name: str) -> None:
    async def handler(self: Any, socket: Socket) -> None: ...

    with pytest.raises(TypeError, match=rf"Chat\.{name} hides Namespace\.{name}; .*@event"):
        type("Chat", (Namespace,), {name: event("say")(handler)})
    with pytest.raises(TypeError, match=rf"Chat\.{name} hides .*@event"):
        type("Chat", (Namespace,), {name: override(event("say")(handler))})


@pytest.mark.parametrize("name", PUBLIC)
@pytest.mark.parametrize("value", [1, None, lambda self: None], ids=["int", "None", "function"])
def test_nothing_else_takes_it_by_accident(name: str, value: Any) -> None:
    with pytest.raises(TypeError, match=rf"Chat\.{name} hides .*typing\.override"):
        type("Chat", (Namespace,), {name: value})


def test_it_does_not_help_to_inherit_it() -> None:
    class Mixin:
        def emit(self) -> None: ...

    with pytest.raises(TypeError, match=r"Mixin\.emit hides Namespace\.emit"):
        type("Chat", (Mixin, Namespace), {})


@pytest.mark.parametrize("name", PUBLIC)
def test_an_instance_cannot_hide_a_member_either(name: str) -> None:
    with pytest.raises(AttributeError, match=f"'{name}' is a member of Namespace"):
        setattr(Namespace("/chat"), name, 1)


@pytest.mark.parametrize("name", ["__socketio__", "__selection__"])
def test_the_inside_is_ours(name: str) -> None:
    with pytest.raises(TypeError, match=f"hides Namespace.{name}"):
        type("Chat", (Namespace,), {name: 1})
    with pytest.raises(AttributeError, match=f"{name!r} is a member"):
        setattr(Namespace("/chat"), name, 1)


async def test_a_member_may_be_overridden_on_purpose() -> None:
    class Loud(Namespace):
        @override
        def send(self, *args: Any) -> Any:
            return self.emit("loud message", *args)

        @property
        @override
        def name(self) -> str:
            return super().name.upper()

    loud = Loud("/loud")
    assert loud.name == "/LOUD"
    Server().register(loud)
    await loud.send("hello")


def test_a_forgotten_call_of_the_base_is_named() -> None:
    class Chat(Namespace):
        def __init__(self) -> None:
            self.greeting = "hello"

    with pytest.raises(TypeError, match=r"Chat\.__init__\(\) has to call super\(\)\.__init__\(\)"):
        Server().register(Chat())
