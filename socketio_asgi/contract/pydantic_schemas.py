"""The schemas of types that are made with pydantic; imported when there is one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode
from pydantic_core import core_schema

from .description import TypeUse
from .json_schema import BINARY, PREFIX, Mode, Schema, Written, map_schemas, without_extras


class _Generator(GenerateJsonSchema):
    """Writes what is on the wire of Socket.IO, where it differs from JSON."""

    def bytes_schema(self, schema: core_schema.BytesSchema) -> Schema:
        """Bytes are not turned into text."""
        return dict(BINARY)

    def field_is_required(self, field: Any, total: bool) -> bool:
        """Fields with a default are always sent."""
        if self.mode == "serialization" and field["type"] in ("model-field", "dataclass-field"):
            return True
        return super().field_is_required(field, total)

    def handle_invalid_for_json_schema(self, schema: Any, error_info: str) -> Schema:
        """A type that JSON Schema cannot describe may be anything."""
        return {}


def write(uses: Sequence[TypeUse], mode: Mode) -> Written:
    """The schemas of types."""
    way: JsonSchemaMode = "validation" if mode == "input" else "serialization"
    adapters: list[tuple[int, JsonSchemaMode, TypeAdapter[Any]]] = [
        (number, way, TypeAdapter[Any](use.annotation)) for number, use in enumerate(uses)
    ]
    found, everything = TypeAdapter.json_schemas(
        adapters, ref_template=PREFIX + "{model}", schema_generator=_Generator
    )
    definitions: dict[str, Schema] = everything.get("$defs", {})
    return Written(
        [_cleared(found[number, way]) for number in range(len(uses))],
        {name: _cleared(schema) for name, schema in definitions.items()},
    )


def _cleared(schema: Schema) -> Schema:
    return map_schemas(schema, without_extras)
