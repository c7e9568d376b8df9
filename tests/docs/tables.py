"""The tables of the documentation that are made from the code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum

from socketio_asgi.engine.http.response import ERROR_MESSAGES
from socketio_asgi.protocol import EnginePacketType, PacketType
from socketio_asgi.protocol.states import (
    SERVER_ACTIONS,
    SERVER_PACKET_ACTIONS,
    SESSION_TRANSITIONS,
    SessionInput,
    SessionState,
    SocketState,
)


def session_states() -> str:
    """By state and input, the next state."""
    cells = {
        (before.value, input_.name): after.value
        for (before, input_), after in SESSION_TRANSITIONS.items()
    }
    return _matrix("state", _values(SessionState), [item.name for item in SessionInput], cells)


def engine_actions() -> str:
    """By packet type and revision of the protocol, what a server does."""
    cells = {
        (type_.name, f"Engine.IO {revision}"): action.name
        for revision, actions in SERVER_ACTIONS.items()
        for type_, action in actions.items()
    }
    columns = [f"Engine.IO {revision}" for revision in SERVER_ACTIONS]
    return _matrix("packet", [item.name for item in EnginePacketType], columns, cells)


def packet_actions() -> str:
    """By state and packet type, what a server does."""
    cells = {(state.value, type_.name): action.name for (state, type_), action in _packet_items()}
    used = {type_ for (_, type_), _ in _packet_items()}
    columns = [item.name for item in PacketType if item in used]
    return _matrix("state", _values(SocketState), columns, cells)


def error_codes() -> str:
    """The codes of refused requests."""
    rows = [f"| {code:d} | {message} |" for code, message in ERROR_MESSAGES.items()]
    return "\n".join(["| code | message |", "| --- | --- |", *rows])


def _packet_items() -> Iterable[tuple[tuple[SocketState, PacketType], Enum]]:
    return SERVER_PACKET_ACTIONS.items()


def _values(states: type[Enum]) -> list[str]:
    return [state.value for state in states]


def _matrix(
    corner: str, rows: list[str], columns: list[str], cells: Mapping[tuple[str, str], str]
) -> str:
    lines = [_line(corner, (f"`{column}`" if column.isupper() else column for column in columns))]
    lines.append(_line("---", ["---"] * len(columns)))
    for row in rows:
        values = [cells.get((row, column), "") for column in columns]
        lines.append(_line(f"`{row}`", (f"`{value}`" if value else "" for value in values)))
    return "\n".join(lines)


def _line(first: str, cells: Iterable[str]) -> str:
    return " ".join(f"| {cell}".rstrip() for cell in (first, *cells)) + " |"


ALL = (session_states, engine_actions, packet_actions, error_codes)
