"""The public surface: what is documented exists, and what is public is documented."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

import socketio_asgi

DOCUMENTED = {
    "ConnectionRefused",
    "Handshake",
    "Namespace",
    "Server",
    "Socket",
    "SocketIOMiddleware",
    "event",
}
"""Names that users were promised, whatever happens to the rest."""

METHODS: dict[str, set[str]] = {
    "Server": {
        *("on", "use", "of", "register", "emit", "to", "in_", "except_", "volatile", "local"),
        *("compress", "close", "lifespan", "engine", "sockets"),
    },
    "Socket": {
        *("emit", "emit_with_ack", "broadcast", "to", "in_", "except_", "volatile", "local"),
        *("compress", "join", "leave", "rooms", "disconnect", "connected", "conn", "data"),
    },
    "Namespace": {"on", "use", "emit", "to", "in_", "except_", "volatile", "local", "compress"},
}

PACKAGES_WITH_ALL = (
    "socketio_asgi",
    "socketio_asgi.adapters",
    "socketio_asgi.admin",
    "socketio_asgi.engine",
    "socketio_asgi.protocol",
    "socketio_asgi.testing",
)

OPTIONAL = ("socketio_asgi.integrations",)

QUESTION_WORDS = frozenset({"Who", "What", "How", "Where", "Which", "Whether"})
"""A docstring begins with a noun phrase or an imperative, and none of these begins one."""


def modules() -> Iterator[ModuleType]:
    yield socketio_asgi
    for info in pkgutil.walk_packages(socketio_asgi.__path__, "socketio_asgi."):
        if not info.name.startswith(OPTIONAL) and not info.name.endswith("__main__"):
            yield importlib.import_module(info.name)


MODULES = list(modules())


@pytest.mark.parametrize("name", PACKAGES_WITH_ALL)
def test_all_names_can_be_imported(name: str) -> None:
    module = importlib.import_module(name)
    assert len(set(module.__all__)) == len(module.__all__)
    for public in module.__all__:
        assert getattr(module, public) is not None
    namespace: dict[str, Any] = {}
    exec(f"from {name} import *", namespace)
    assert set(module.__all__) <= set(namespace)


def test_a_process_imports_the_adapters_for_brokers_that_it_uses() -> None:
    """They take a third of the time in which a process starts."""
    code = (
        "import sys, socketio_asgi.adapters as adapters\n"
        "def loaded(): return 'socketio_asgi.adapters.nats' in sys.modules\n"
        "before = loaded()\n"
        "print(before, adapters.NatsAdapter.__name__, loaded(), hasattr(adapters, 'Nothing'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "NatsAdapter", "True", "False"]


def test_documented_names_exist() -> None:
    assert set(socketio_asgi.__all__) >= DOCUMENTED


@pytest.mark.parametrize("name", METHODS)
def test_documented_members_exist(name: str) -> None:
    instance = socketio_asgi.Server() if name == "Server" else getattr(socketio_asgi, name)
    for member in METHODS[name]:
        assert hasattr(instance, member), f"{name}.{member}"


def test_everything_public_has_a_docstring() -> None:
    without = [module.__name__ for module in MODULES if not module.__doc__]
    assert without == ["socketio_asgi._version"]
    assert {module.__name__: found for module in MODULES if (found := undocumented(module))} == {}


def undocumented(module: ModuleType) -> list[str]:
    return [name for name, thing in public_things(module) if not inspect.getdoc(thing)]


def test_no_docstring_begins_with_a_question_word() -> None:
    assert {module.__name__: found for module in MODULES if (found := questions(module))} == {}


def questions(module: ModuleType) -> list[str]:
    documented = [(module.__name__, module), *public_things(module)]
    return [name for name, thing in documented if _first_word(thing) in QUESTION_WORDS]


def _first_word(thing: Any) -> str:
    return next(iter((inspect.getdoc(thing) or "").split()), "")


def public_things(module: ModuleType) -> Iterator[tuple[str, Any]]:
    """Functions and classes that the module defines, and the members that these define."""
    for name, thing in vars(module).items():
        if name.startswith("_") or getattr(thing, "__module__", None) != module.__name__:
            continue
        if inspect.isclass(thing):
            yield name, thing
            for member, value in vars(thing).items():
                if not member.startswith("_") and _is_member(value):
                    yield f"{name}.{member}", getattr(value, "fget", value)
        elif inspect.isfunction(thing):
            yield name, thing


def _is_member(value: Any) -> bool:
    return inspect.isfunction(value) or isinstance(value, property)


def test_the_parameters_of_the_server_are_documented() -> None:
    documentation = inspect.getdoc(socketio_asgi.Server) or ""
    for name in inspect.signature(socketio_asgi.Server).parameters:
        assert f"    {name}: " in documentation, name


def test_options_are_keyword_only() -> None:
    kinds = {p.kind for p in inspect.signature(socketio_asgi.Server).parameters.values()}
    assert kinds == {inspect.Parameter.KEYWORD_ONLY}
