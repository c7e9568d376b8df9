"""JSON Schema as it passes between the writers: draft 2020-12, with references to definitions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal, NamedTuple, cast

Schema = dict[str, Any]

Mode = Literal["input", "output"]
"""The direction of a value: from clients, or to them. What a client may leave out, such as a field
with a default, is always there in what it gets."""

PREFIX = "#/$defs/"
"""What references to definitions begin with."""

BINARY: Schema = {"type": "string", "format": "binary"}
"""Bytes, which travel as they are, beside the JSON text."""

_SCHEMAS_BY_NAME = ("properties", "patternProperties", "$defs")
_VALUES = ("enum", "const", "default", "examples", "required")


class Written(NamedTuple):
    """The schemas that a library writes of types.

    Attributes:
        schemas: The schema of each type, in the order of the types.
        definitions: The schemas that these and one another refer to, by name.
    """

    schemas: list[Schema]
    definitions: dict[str, Schema]


def reference(name: str) -> Schema:
    """A reference to a definition."""
    return {"$ref": f"{PREFIX}{name}"}


def referred(schema: Schema) -> str | None:
    """The name of the definition that a schema refers to; None when it is none."""
    target = schema.get("$ref")
    return target[len(PREFIX) :] if isinstance(target, str) else None


def map_schemas(schema: Schema, change: Callable[[Schema], Schema]) -> Schema:
    """The same schema with every schema in it changed, the innermost first, and itself as well."""
    changed: Schema = {}
    for key, value in schema.items():
        if key in _VALUES:
            changed[key] = value
        elif key in _SCHEMAS_BY_NAME:
            changed[key] = {name: map_schemas(inner, change) for name, inner in value.items()}
        elif isinstance(value, dict):
            changed[key] = map_schemas(cast("Schema", value), change)
        elif isinstance(value, list):
            items = cast("list[Schema | str | bool]", value)
            changed[key] = [
                map_schemas(item, change) if isinstance(item, dict) else item for item in items
            ]
        else:
            changed[key] = value
    return change(changed)


def without_extras(schema: Schema) -> Schema:
    """A schema without what libraries add to it, and what the rest of it says already.

    That are titles made of names, the discriminators of OpenAPI, and the type of given values.
    """
    valued = "enum" in schema or "const" in schema
    extras = ("title", "discriminator", "type") if valued else ("title", "discriminator")
    return {key: value for key, value in schema.items() if key not in extras}


def references(schema: Schema) -> Iterator[str]:
    """The names of all definitions that a schema refers to, directly."""
    found: list[str] = []

    def note(part: Schema) -> Schema:
        name = referred(part)
        if name is not None:
            found.append(name)
        return part

    map_schemas(schema, note)
    yield from found


def rename(schema: Schema, name_of: Callable[[str], str]) -> Schema:
    """The same schema with other names in its references."""

    def change(part: Schema) -> Schema:
        name = referred(part)
        return part if name is None else {**part, **reference(name_of(name))}

    return map_schemas(schema, change)
