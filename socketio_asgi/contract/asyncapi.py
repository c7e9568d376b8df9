"""AsyncAPI 3.1: a document of the events, for tools.

A namespace is a channel, an event a message, and an operation what the application does with it.
What is particular to Socket.IO stands in fields that begin with ``x-``: AsyncAPI knows no binding
for it.

Source: https://www.asyncapi.com/docs/reference/specification/v3.1.0
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from .description import (
    Argument,
    DeclaredError,
    Description,
    EventDescription,
    NamespaceDescription,
    TypeUse,
)
from .json_schema import PREFIX, Mode, Schema, map_schemas
from .naming import as_type_name, distinct
from .schemas import Schemas

VERSION = "3.1.0"

_IF_ASKED = "Sent if the other side asks for an acknowledgement."


def asyncapi(description: Description, schemas: Schemas) -> dict[str, Any]:
    """The document."""
    writer = _Writer(schemas, description.error)
    titles = distinct(each.title or "Main" for each in description.namespaces)
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    for namespace, title in zip(description.namespaces, titles, strict=True):
        channel, own = writer.channel(namespace, title)
        channels[title] = channel
        operations.update(own)
    definitions = {name: _draft_7(schema) for name, schema in schemas.definitions.items()}
    document: dict[str, Any] = {
        "asyncapi": VERSION,
        "info": {"title": description.title, "version": description.version},
        "defaultContentType": "application/json",
        "servers": {
            "socketio": {
                "host": "localhost",
                "pathname": description.path,
                "protocol": "wss",
                "description": "Socket.IO, over WebSocket or HTTP long-polling.",
            }
        },
        "channels": channels,
        "operations": operations,
    }
    if definitions:
        document["components"] = {"schemas": definitions}
    return document


class _Writer:
    def __init__(self, schemas: Schemas, error: TypeUse | None) -> None:
        self._schemas = schemas
        self._error = error

    def channel(
        self, namespace: NamespaceDescription, title: str
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """The channel of a namespace, and its operations."""
        messages: dict[str, Any] = {}
        operations: dict[str, Any] = {}
        for action, mode, event, name in _named(namespace):
            messages[name] = self._message(event, mode)
            operation: dict[str, Any] = {
                "action": action,
                "channel": {"$ref": f"#/channels/{title}"},
                "summary": _first_line(event.text) or event.name,
                "messages": [{"$ref": f"#/channels/{title}/messages/{name}"}],
            }
            replies = self._replies(event, "output" if mode == "input" else "input")
            if replies:
                named = {f"{name}{ending}": each for ending, each in replies.items()}
                messages |= named
                operation["reply"] = {
                    "channel": {"$ref": f"#/channels/{title}"},
                    "messages": [{"$ref": f"#/channels/{title}/messages/{each}"} for each in named],
                }
            operations[f"{title}{name}"] = operation
        channel: dict[str, Any] = {"address": namespace.name, "title": title}
        text = namespace.text
        if namespace.dynamic:
            channel["address"] = None
            channel["x-socketio-namespaces"] = namespace.name
            text = text or f"All namespaces {namespace.name}."
        if text:
            channel["description"] = text
        return {**channel, "messages": messages}, operations

    def _message(self, event: EventDescription, mode: Mode) -> dict[str, Any]:
        message: dict[str, Any] = {
            "name": event.name,
            "title": event.name,
            "payload": self._payload(event.arguments, mode),
            "x-socketio-arguments": [each.name for each in event.arguments],
        }
        if event.text:
            message["description"] = event.text
        return message

    def _payload(self, arguments: Sequence[Argument], mode: Mode) -> Schema:
        """The array of the arguments of an event."""
        known = [each for each in arguments if not each.rest]
        rest = [each for each in arguments if each.rest]
        items = [{"title": each.name, **self._schemas.schema(each.type, mode)} for each in known]
        payload: Schema = {"type": "array", "prefixItems": items}
        payload["minItems"] = sum(each.required for each in known)
        if rest:
            payload["items"] = self._schemas.schema(rest[0].type, mode)
        else:
            payload["maxItems"] = len(known)
        return _draft_7(payload)

    def _replies(self, event: EventDescription, mode: Mode) -> dict[str, Any]:
        """The messages of the acknowledgement, by the endings of their names."""
        if event.ack is None:
            return {}
        values = [self._schemas.schema(use, mode) for use in event.ack]
        replies = {"Ack": self._reply(f"{event.name} ack", values, _IF_ASKED)}
        if event.errors and mode == "output":
            text = f"{_IF_ASKED} Tells of an error instead of a value."
            replies["Error"] = self._reply(
                f"{event.name} error", [self._error_of(event.errors)], text
            )
        return replies

    def _reply(self, title: str, values: list[Schema], text: str) -> dict[str, Any]:
        payload: Schema = {"type": "array", "prefixItems": values}
        payload |= {"minItems": len(values), "maxItems": len(values)}
        return {"name": title, "title": title, "description": text, "payload": _draft_7(payload)}

    def _error_of(self, errors: Sequence[DeclaredError]) -> Schema:
        if self._error is not None:
            return self._schemas.schema(self._error, "output")
        return _object({"error": {"oneOf": [self._error_variant(each) for each in errors]}})

    def _error_variant(self, error: DeclaredError) -> Schema:
        fields: dict[str, Schema] = {"code": {"const": error.code}, "message": {"type": "string"}}
        fields["details"] = (
            {"type": "null"}
            if error.details is None
            else self._schemas.schema(error.details, "output")
        )
        schema = _object(fields)
        return {**schema, "description": error.message} if error.message else schema


def _named(
    namespace: NamespaceDescription,
) -> Iterator[tuple[str, Mode, EventDescription, str]]:
    """The events of a namespace, with the names of their messages."""
    both: list[tuple[str, Mode, EventDescription]] = [
        *(("receive", "input", event) for event in namespace.receives),
        *(("send", "output", event) for event in namespace.sends),
    ]
    wanted = [
        f"{'Receive' if action == 'receive' else 'Send'}{as_type_name(event.name)}"
        for action, _, event in both
    ]
    for (action, mode, event), name in zip(both, distinct(wanted), strict=True):
        yield action, mode, event, name


def _object(properties: dict[str, Schema]) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _first_line(text: str) -> str:
    return re.split(r"\n\s*\n", text.strip())[0].replace("\n", " ")


def _draft_7(schema: Schema) -> Schema:
    """A schema in the dialect that AsyncAPI has by default, with references into the document."""
    return map_schemas(schema, _older)


def _older(schema: Schema) -> Schema:
    target = schema.get("$ref")
    if isinstance(target, str):  # in draft 7, nothing beside a reference counts
        return {"$ref": f"#/components/schemas/{target.removeprefix(PREFIX)}"}
    if "prefixItems" not in schema:
        return schema
    older = {key: value for key, value in schema.items() if key not in ("prefixItems", "items")}
    more = schema.get("items", "maxItems" not in schema)
    first: list[Schema] = schema["prefixItems"]
    if first:
        return {**older, "items": first, "additionalItems": more}
    return older if more is True or more is False else {**older, "items": more}
