"""The types of a whole contract as JSON Schema, with one name for each definition.

Each library writes its types twice: as they come in, and as they go out. Definitions that are alike
both ways are one; the others are called ``TextInput`` and ``TextOutput``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from .description import Library, TypeUse
from .json_schema import Mode, Schema, Written, references, rename
from .naming import as_type_name, distinct

_MODES: tuple[Mode, Mode] = ("input", "output")
_ENDINGS: Mapping[Mode, str] = {"input": "Input", "output": "Output"}
_LIBRARIES: tuple[Library, ...] = ("own", "pydantic", "msgspec")

Writer = Callable[[Sequence[TypeUse], Mode], Written]


class _Key(NamedTuple):
    """A definition."""

    library: Library
    name: str
    mode: Mode


class Schemas:
    """The schemas of types.

    Args:
        uses: The types, each with the direction of its values.

    Attributes:
        definitions: The schemas that others refer to, by name, in the order of the names.
    """

    def __init__(self, uses: Iterable[tuple[TypeUse, Mode]]) -> None:
        wanted = list(uses)
        # The key of a type is its identity: annotations need not be hashable.
        self._uses = {id(use): use for use, _ in wanted}
        written = _write(list(self._uses.values()))
        split = _different(written.definitions)
        used = _used(
            [(written.schemas[id(use), mode], use.library, mode) for use, mode in wanted],
            written.definitions,
        )
        both = {key[:2] for key in used if {_Key(*key[:2], mode) for mode in _MODES} <= used}
        names = _names(used, written.definitions, split & both)
        self._schemas = {
            (number, mode): _renamed(schema, self._uses[number].library, mode, names)
            for (number, mode), schema in written.schemas.items()
        }
        self.definitions: dict[str, Schema] = {
            name: _renamed(written.definitions[key], key.library, key.mode, names)
            for key, name in sorted(names.items(), key=lambda item: item[1])
            if key in used
        }

    def schema(self, use: TypeUse, mode: Mode) -> Schema:
        """The schema of one of the types."""
        return self._schemas[id(use), mode]


class _Everything(NamedTuple):
    """What all libraries have written.

    Attributes:
        schemas: The schemas of the types, by identity and direction.
        definitions: What they refer to.
    """

    schemas: dict[tuple[int, Mode], Schema]
    definitions: dict[_Key, Schema]


def _write(uses: Sequence[TypeUse]) -> _Everything:
    everything = _Everything({}, {})
    for library in _LIBRARIES:
        own = [use for use in uses if use.library == library]
        if not own:
            continue
        write = _writer(library)
        for mode in _MODES:
            written = write(own, mode)
            for use, schema in zip(own, written.schemas, strict=True):
                everything.schemas[id(use), mode] = schema
            for name, schema in written.definitions.items():
                everything.definitions[_Key(library, name, mode)] = schema
    return everything


def _writer(library: Library) -> Writer:
    if library == "pydantic":
        from . import pydantic_schemas

        return pydantic_schemas.write
    if library == "msgspec":
        from . import msgspec_schemas

        return msgspec_schemas.write
    from . import own_schemas

    return own_schemas.write


def _different(definitions: Mapping[_Key, Schema]) -> set[tuple[Library, str]]:
    """The definitions that differ by direction, or refer to one that does."""
    pairs: set[tuple[Library, str]] = {(key.library, key.name) for key in definitions}
    both: list[tuple[Library, str]] = [
        (library, name)
        for library, name in pairs
        if all(_Key(library, name, mode) in definitions for mode in _MODES)
    ]
    split: set[tuple[Library, str]] = {
        (library, name)
        for library, name in both
        if definitions[_Key(library, name, "input")] != definitions[_Key(library, name, "output")]
    }
    while True:
        more: set[tuple[Library, str]] = {
            (library, name)
            for library, name in both
            if (library, name) not in split
            and any(
                (library, other) in split
                for other in references(definitions[_Key(library, name, "input")])
            )
        }
        if not more:
            return split
        split |= more


def _used(
    begin: Iterable[tuple[Schema, Library, Mode]], definitions: Mapping[_Key, Schema]
) -> set[_Key]:
    """The definitions that are referred to."""
    used: set[_Key] = set()
    waiting = list(begin)
    while waiting:
        schema, library, mode = waiting.pop()
        for name in references(schema):
            key = _Key(library, name, mode)
            if key not in used:
                used.add(key)
                waiting.append((definitions[key], library, mode))
    return used


def _names(
    used: Iterable[_Key], definitions: Mapping[_Key, Schema], split: set[tuple[Library, str]]
) -> dict[_Key, str]:
    """The names of definitions; the same one for those that are the same."""
    wanted: dict[str, list[_Key]] = defaultdict(list)
    for key in sorted(used):
        wanted[_wanted_name(key, split)].append(key)
    # A name that two libraries use goes to one of them, or to both if they mean the same.
    groups: list[tuple[str, list[_Key]]] = []
    for name, keys in sorted(wanted.items()):
        meanings: list[list[_Key]] = []
        for key in keys:
            same = next(
                (each for each in meanings if _alike(definitions, each[0], key, split)), None
            )
            if same is None:
                meanings.append([key])
            else:
                same.append(key)
        groups.extend((name, meaning) for meaning in meanings)
    names = distinct(name for name, _ in groups)
    return {key: name for name, (_, keys) in zip(names, groups, strict=True) for key in keys}


def _wanted_name(key: _Key, split: set[tuple[Library, str]]) -> str:
    ending = _ENDINGS[key.mode] if (key.library, key.name) in split else ""
    return as_type_name(key.name) + ending


def _alike(
    definitions: Mapping[_Key, Schema], one: _Key, two: _Key, split: set[tuple[Library, str]]
) -> bool:
    if one[:2] == two[:2]:
        return (one.mode == two.mode) or one[:2] not in split
    if any(True for _ in references(definitions[one])):
        return False  # what they refer to may differ
    return definitions[one] == definitions[two]


def _renamed(schema: Schema, library: Library, mode: Mode, names: Mapping[_Key, str]) -> Schema:
    return rename(schema, lambda name: names.get(_Key(library, name, mode), name))
