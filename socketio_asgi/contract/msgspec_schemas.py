"""The schemas of types that are made with msgspec; imported when there is one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from msgspec import inspect

from .description import TypeUse
from .json_schema import BINARY, PREFIX, Mode, Schema, Written, map_schemas, without_extras

_RECORDS = (inspect.StructType, inspect.DataclassType, inspect.NamedTupleType)


def write(uses: Sequence[TypeUse], mode: Mode) -> Written:
    """The schemas of types."""
    annotations = [use.annotation for use in uses]
    found, definitions = msgspec.json.schema_components(annotations, ref_template=PREFIX + "{name}")
    if mode == "output":
        complete = set(_complete_structs(annotations))
        definitions = {name: _always(each, complete) for name, each in definitions.items()}
    return Written(
        [map_schemas(each, _plain) for each in found],
        {name: map_schemas(each, _plain) for name, each in definitions.items()},
    )


def _complete_structs(annotations: Sequence[Any]) -> Iterator[str]:
    """The names of structs, and of classes like them, that are sent with all of their fields."""
    seen: list[Any] = []
    waiting: list[Any] = list(inspect.multi_type_info(annotations))
    while waiting:
        part = waiting.pop()
        if any(part is other for other in seen):
            continue
        seen.append(part)
        if isinstance(part, _RECORDS) and not _omits_defaults(part.cls):
            yield part.cls.__name__
        waiting.extend(_inner(part))


def _omits_defaults(cls: Any) -> bool:
    config = getattr(cls, "__struct_config__", None)
    return config is not None and config.omit_defaults


def _inner(part: Any) -> Iterator[Any]:
    for name in ("item_type", "key_type", "value_type", "type"):
        inner = getattr(part, name, None)
        if isinstance(inner, inspect.Type):
            yield inner
    for name in ("types", "item_types"):
        yield from getattr(part, name, ())
    yield from (field.type for field in getattr(part, "fields", ()))


def _always(schema: Schema, complete: set[str]) -> Schema:
    """The schema of a struct that is sent with all of its fields."""
    name = str(schema.get("title", "")).partition("[")[0]
    if name not in complete:
        return schema
    if "prefixItems" in schema:
        return {**schema, "minItems": len(schema["prefixItems"])}
    return {**schema, "required": list(schema["properties"])} if "properties" in schema else schema


def _plain(schema: Schema) -> Schema:
    """A schema with bytes as they are, defaults as they are sent, and without titles."""
    if "contentEncoding" in schema:
        return dict(BINARY)
    if "default" in schema:
        schema = {**schema, "default": msgspec.json.decode(msgspec.json.encode(schema["default"]))}
    return without_extras(schema)
