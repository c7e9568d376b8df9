"""TypeScript: interfaces of the events, for the types of ``socket.io-client``.

Source: https://socket.io/docs/v4/typescript/
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, cast

from .description import (
    Argument,
    DeclaredError,
    Description,
    EventDescription,
    NamespaceDescription,
    TypeUse,
)
from .json_schema import Mode, Schema, referred
from .naming import is_identifier
from .schemas import Schemas

_HEAD = """\
// Events of {title} {version}, written by socketio-asgi. Do not change this file by hand.
//
//   import {{ io, type Socket }} from "socket.io-client";
//   const socket: Socket<{server}, {client}> = io({namespace});
"""

_BINARY = """\
/** Bytes: an ArrayBuffer in browsers, a Buffer in Node.js. */
export type Binary = ArrayBuffer | Uint8Array;
"""

_ERROR_ACK = """\
/** An acknowledgement that tells of an error; tell it from a value by its only key, "error". */
export interface ErrorAck<Code extends string = string, Details = null> {
  error: { code: Code; message: string; details: Details; status?: number };
}
"""

_WORDS: dict[str, str] = {
    "string": "string",
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "null": "null",
}


def typescript(description: Description, schemas: Schemas) -> str:
    """The interfaces of all namespaces, and the types that they use.

    Raises:
        TypeError: An event takes any number of values, and has an acknowledgement: TypeScript has
            no type for a function with another parameter behind those.
    """
    writer = EventTypes(schemas, description.error)
    interfaces = [
        part for namespace in description.namespaces for part in writer.namespace(namespace)
    ]
    definitions = list(writer.definitions())
    body = "\n".join([*definitions, *interfaces])
    fixed = [text for name, text in _FIXED.items() if name in body]
    return "\n".join([_head(description), *fixed, body])


_FIXED = {"Binary": _BINARY, "ErrorAck": _ERROR_ACK}


def _head(description: Description) -> str:
    first = next(iter(description.namespaces), None)
    title = "" if first is None else first.title
    return _HEAD.format(
        title=description.title,
        version=description.version,
        server=f"{title}ServerToClientEvents",
        client=f"{title}ClientToServerEvents",
        namespace="" if first is None or first.name == "/" else json.dumps(first.name),
    )


class EventTypes:
    """Events and types in the notation of TypeScript.

    Args:
        schemas: The schemas of all types.
        error: The type of errors in acknowledgements; None for the usual one.
    """

    def __init__(self, schemas: Schemas, error: TypeUse | None) -> None:
        self._schemas = schemas
        self._error = error

    # -- events ------------------------------------------------------------------------------

    def namespace(self, namespace: NamespaceDescription) -> Iterator[str]:
        """The two interfaces of a namespace."""
        where = f"the namespaces {namespace.name}" if namespace.dynamic else namespace.name
        for name, events, text, mode in (
            ("ClientToServerEvents", namespace.receives, "clients send", "input"),
            ("ServerToClientEvents", namespace.sends, "clients get", "output"),
        ):
            way: Mode = "input" if mode == "input" else "output"
            methods = "".join(self._event(event, way) for event in events)
            yield (
                f"/** What {text} in {where}. */\n"
                f"export interface {namespace.title}{name} {{{methods and chr(10)}{methods}}}\n"
            )

    def _event(self, event: EventDescription, mode: Mode) -> str:
        name = event.name if is_identifier(event.name) else json.dumps(event.name)
        return f"{_comment(event.text, '  ')}  {name}: {self.event(event, mode)};\n"

    def event(self, event: EventDescription, mode: Mode) -> str:
        """The type of the function that handles an event.

        Raises:
            TypeError: The event takes any number of values, and has an acknowledgement.
        """
        rest = next((each for each in event.arguments if each.rest), None)
        if rest is not None and event.ack:
            raise TypeError(
                f"the event {event.name!r} takes any number of values, {rest.name!r}, and has an"
                " acknowledgement, which comes behind them: TypeScript has no type for that; let it"
                " take a list"
            )
        # Without a value, nobody has to ask for it, and nothing can stand behind the other values.
        back: Mode = "output" if mode == "input" else "input"
        ack = [] if rest is not None else self._ack(event, back)
        parameters = [*self._arguments(event.arguments, mode, followed=bool(event.ack)), *ack]
        return f"({', '.join(parameters)}) => void"

    def _arguments(
        self, arguments: Sequence[Argument], mode: Mode, *, followed: bool
    ) -> Iterator[str]:
        """The parameters of an event; there is none that is optional in front of another."""
        must = 0 if not followed else len(arguments)
        for number, argument in enumerate(arguments):
            name = _parameter(argument.name)
            kind = self.type(self._schemas.schema(argument.type, mode))
            if argument.rest:
                yield f"...{name}: {_grouped(kind)}[]"
            elif argument.required:
                yield f"{name}: {kind}"
            elif number < must:
                yield f"{name}: {kind} | undefined"
            else:
                yield f"{name}?: {kind}"

    def _ack(self, event: EventDescription, mode: Mode) -> list[str]:
        if event.ack is None:
            return []
        errors = self._errors(event.errors) if mode == "output" else []
        values = [self.type(self._schemas.schema(use, mode)) for use in event.ack]
        if not values:
            result = f"error?: {' | '.join(errors)}" if errors else ""
            return [f"ack?: ({result}) => void"]
        first, *others = values
        parameters = [f"result: {_union([first, *errors])}"]
        mark = "?" if errors else ""
        parameters += [f"value{i}{mark}: {kind}" for i, kind in enumerate(others, 2)]
        return [f"ack: ({', '.join(parameters)}) => void"]

    def _errors(self, errors: Sequence[DeclaredError]) -> list[str]:
        if not errors:
            return []
        if self._error is not None:
            return [self.type(self._schemas.schema(self._error, "output"))]
        plain = sorted({json.dumps(each.code) for each in errors if each.details is None})
        detailed = [
            f"ErrorAck<{json.dumps(each.code)}, {self._details(each.details)}>"
            for each in sorted(errors, key=lambda each: each.code)
            if each.details is not None
        ]
        return [*detailed, *([f"ErrorAck<{' | '.join(plain)}>"] if plain else [])]

    def _details(self, use: TypeUse) -> str:
        return self.type(self._schemas.schema(use, "output"))

    # -- types -------------------------------------------------------------------------------

    def definitions(self) -> Iterator[str]:
        """The declarations of all types."""
        for name, schema in self._schemas.definitions.items():
            yield self.definition(name, schema)

    def definition(self, name: str, schema: Schema) -> str:
        """The declaration of a type."""
        comment = _comment(schema.get("description", ""), "")
        if schema.get("properties") and not _combined(schema):
            extra = schema.get("additionalProperties")
            if extra in (None, False):
                return f"{comment}export interface {name} {self._fields(schema, '')}\n"
        return f"{comment}export type {name} = {self.type(schema)};\n"

    def type(self, schema: Schema, indent: str = "") -> str:
        """The type of a schema."""
        name = referred(schema)
        if name is not None:
            return name
        if schema.get("format") == "binary":
            return "Binary"
        if "const" in schema:
            return json.dumps(schema["const"])
        if "enum" in schema:
            return _union(json.dumps(value) for value in schema["enum"])
        for word, join in (("anyOf", _union), ("oneOf", _union), ("allOf", _intersection)):
            if word in schema:
                return join(self.type(each, indent) for each in schema[word])
        kinds = schema.get("type")
        if isinstance(kinds, list):
            several = cast("list[str]", kinds)
            return _union(self.type({**schema, "type": kind}, indent) for kind in several)
        if kinds == "array":
            return self._array(schema, indent)
        if kinds == "object" or "properties" in schema:
            return self._object(schema, indent)
        return _WORDS.get(str(kinds), "unknown")

    def _array(self, schema: Schema, indent: str) -> str:
        first: list[Schema] = schema.get("prefixItems", [])
        items = schema.get("items", {})
        if not first:
            return "[]" if items is False else f"{_grouped(self.type(items, indent))}[]"
        needed = schema.get("minItems", 0)
        labelled = all("title" in item for item in first)
        parts: list[str] = []
        for number, item in enumerate(first):
            kind = self.type(item, indent)
            optional = "?" if number >= needed else ""
            if labelled:
                parts.append(f"{_parameter(item['title'])}{optional}: {kind}")
            else:
                parts.append(_grouped(kind) + optional if optional else kind)
        if items is not False and schema.get("maxItems", len(first) + 1) > len(first):
            rest = f"{_grouped(self.type(items or {}, indent))}[]"
            parts.append(f"...rest: {rest}" if labelled else f"...{rest}")
        return f"[{', '.join(parts)}]"

    def _object(self, schema: Schema, indent: str) -> str:
        extra = schema.get("additionalProperties")
        if schema.get("properties"):
            fields = self._fields(schema, indent)
            if extra in (None, False):
                return fields
            return f"{fields} & {self._record(schema, indent)}"
        return "Record<string, never>" if extra is False else self._record(schema, indent)

    def _record(self, schema: Schema, indent: str) -> str:
        extra = schema.get("additionalProperties")
        patterns: dict[str, Schema] = schema.get("patternProperties", {})
        values = list(patterns.values())
        if isinstance(extra, dict):
            values = [cast("Schema", extra)]
        kinds = [self.type(value, indent) for value in values]
        # Not Record<…>, which cannot refer to the type that it is a part of.
        return f"{{ [key: string]: {_union(kinds) if kinds else 'unknown'} }}"

    def _fields(self, schema: Schema, indent: str) -> str:
        inner = indent + "  "
        required: Sequence[str] = schema.get("required", ())
        lines: list[str] = []
        properties: dict[str, Schema] = schema["properties"]
        for name, value in properties.items():
            comment = _comment(_text_of(value), inner)
            shown = name if is_identifier(name) else json.dumps(name)
            mark = "" if name in required else "?"
            lines.append(f"{comment}{inner}{shown}{mark}: {self.type(value, inner)};\n")
        return f"{{\n{''.join(lines)}{indent}}}"


_RESERVED = frozenset({
    "arguments", "await", "break", "case", "catch", "class", "const", "continue", "debugger",
    "default", "delete", "do", "else", "enum", "eval", "export", "extends", "false", "finally",
    "for", "function", "if", "implements", "import", "in", "instanceof", "interface", "let", "new",
    "null", "package", "private", "protected", "public", "return", "static", "super", "switch",
    "this", "throw", "true", "try", "typeof", "var", "void", "while", "with", "yield",
})  # fmt: skip
"""Words that cannot be names of parameters."""


def _parameter(name: str) -> str:
    """A name of Python as that of a parameter."""
    if not is_identifier(name):
        name = "".join(char if char.isascii() else f"u{ord(char):x}" for char in name)
    return f"{name}_" if name in _RESERVED else name


def _combined(schema: Schema) -> bool:
    return any(word in schema for word in ("anyOf", "oneOf", "allOf", "$ref", "enum", "const"))


def _union(kinds: Iterable[str]) -> str:
    """A type that is one of several."""
    distinct = list(dict.fromkeys(kinds))
    if "unknown" in distinct:
        return "unknown"
    return " | ".join(distinct) or "never"


def _intersection(kinds: Iterable[str]) -> str:
    several = [kind for kind in dict.fromkeys(kinds) if kind != "unknown"]
    if len(several) == 1:
        return several[0]
    return " & ".join(_grouped(kind) for kind in several) or "unknown"


def _grouped(kind: str) -> str:
    """A type that something can be put behind."""
    return f"({kind})" if " | " in kind or " & " in kind else kind


def _text_of(schema: Schema) -> str:
    """The comment on a field."""
    text = str(schema.get("description", ""))
    if schema.get("default") is not None:
        text = f"{text}\n@default {json.dumps(schema['default'], default=str)}".strip()
    return text


def _comment(text: Any, indent: str) -> str:
    lines = str(text).replace("*/", "* /").strip().splitlines()
    if not lines:
        return ""
    if len(lines) == 1:
        return f"{indent}/** {lines[0]} */\n"
    body = "".join(f"{indent} * {line}".rstrip() + "\n" for line in lines)
    return f"{indent}/**\n{body}{indent} */\n"
