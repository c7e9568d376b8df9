from __future__ import annotations

from socketio_asgi.protocol import reasons

SERVER = {
    "transport close",
    "transport error",
    "parse error",
    "ping timeout",
    "forced close",
    "server shutting down",
    "server namespace disconnect",
    "client namespace disconnect",
}
CLIENT = {"io server disconnect", "io client disconnect"}


def test_the_official_words() -> None:
    words = {value for value in vars(reasons).values() if isinstance(value, str) and " " in value}
    words -= {reasons.__doc__}
    assert words == SERVER | CLIENT


def test_a_client_comes_back_unless_a_side_wanted_the_end() -> None:
    assert reasons.RECOVERABLE_REASONS < SERVER
    asked_for = {reasons.SERVER_DISCONNECT, reasons.CLIENT_DISCONNECT, reasons.PARSE_ERROR}
    assert asked_for == SERVER - reasons.RECOVERABLE_REASONS
