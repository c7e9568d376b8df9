"""Describe the public API of the ``socketio_asgi`` that can be imported: one JSON object.

It is run by itself, in the folder of a checkout that may be of another revision.
"""

from __future__ import annotations

import ast
import enum
import importlib
import inspect
import json
import pkgutil
import sys
import textwrap
from collections.abc import Iterator
from types import ModuleType
from typing import Any

ROOT = "socketio_asgi"
PACKAGES = (
    ROOT,
    *(f"{ROOT}.{name}" for name in ("adapters", "admin", "client", "protocol", "testing")),
)
INTEGRATIONS = f"{ROOT}.integrations"


def describe() -> dict[str, str]:
    """Describe each public name: its kind, its signature or its value."""
    found: dict[str, str] = {}
    for module in modules():
        for name in public_names(module):
            thing = getattr(module, name)
            found[f"{module.__name__}.{name}"] = description(thing)
            if inspect.isclass(thing):
                for member, text in members(thing):
                    found[f"{module.__name__}.{name}.{member}"] = text
    return found


def modules() -> Iterator[ModuleType]:
    """The packages, and the integrations whose frameworks are installed."""
    for name in PACKAGES:
        try:
            yield importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name != name:  # an earlier revision may lack a package
                raise
    integrations = importlib.import_module(INTEGRATIONS)
    for info in pkgutil.iter_modules(integrations.__path__, f"{INTEGRATIONS}."):
        yield importlib.import_module(info.name)


def public_names(module: ModuleType) -> list[str]:
    """The names of ``__all__``, or those that the module itself defines."""
    names: list[str] | None = getattr(module, "__all__", None)
    if names is not None:
        return sorted(names)
    return sorted(name for name, value in vars(module).items() if _is_own(module, name, value))


def _is_own(module: ModuleType, name: str, value: Any) -> bool:
    return not name.startswith("_") and getattr(value, "__module__", None) == module.__name__


def members(kind: type) -> Iterator[tuple[str, str]]:
    """The public members of a class, with what it inherits from classes of the project."""
    names: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        if base.__module__.partition(".")[0] != ROOT:
            continue
        names.update(dict.fromkeys(_assigned(base), "attribute"))
        annotations = inspect.get_annotations(base)
        names.update({name: f"attribute: {_text(text)}" for name, text in annotations.items()})
        for name, value in vars(base).items():
            if name not in annotations or not _is_slot(value):
                names[name] = description(value)
    yield from sorted((name, text) for name, text in names.items() if not name.startswith("_"))


def _assigned(kind: type) -> Iterator[str]:
    """The attributes that methods of a class set on ``self``."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(kind)))
    except (OSError, TypeError, SyntaxError):  # it was made without source
        return
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.ctx, ast.Store)
            and isinstance(node.value, ast.Name)
            and node.value.id == "self"
        ):
            yield node.attr


def _is_slot(value: Any) -> bool:
    return inspect.ismemberdescriptor(value)


def description(thing: Any) -> str:
    """The kind of something, and how it is called."""
    if isinstance(thing, staticmethod | classmethod):
        return f"{type(thing).__name__} {description(thing.__func__)}"
    if isinstance(thing, property):
        setter = " with a setter" if thing.fset else ""
        return f"property: {_returns(thing.fget)}{setter}"
    if inspect.isclass(thing):
        return f"class {_signature(thing)}"
    if inspect.iscoroutinefunction(thing):
        return f"async function {_signature(thing)}"
    if inspect.isroutine(thing) and not inspect.ismethoddescriptor(thing):
        return f"function {_signature(thing)}"
    if _is_slot(thing):
        return "attribute"
    if isinstance(thing, enum.Enum):
        return f"member {thing.value!r}"
    if isinstance(thing, str | bytes | int | float | tuple | frozenset | type(None)):
        return f"value {thing!r}"
    return str(type(thing).__name__)


def _signature(thing: Any) -> str:
    try:
        return str(inspect.signature(thing))
    except (TypeError, ValueError):
        return "(...)"


def _returns(function: Any) -> str:
    return _text(getattr(function, "__annotations__", {}).get("return", "?"))


def _text(annotation: Any) -> str:
    return annotation if isinstance(annotation, str) else str(inspect.formatannotation(annotation))


if __name__ == "__main__":
    json.dump(describe(), sys.stdout)
