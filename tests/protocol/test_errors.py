from __future__ import annotations

import pickle

import pytest

from socketio_asgi.protocol import DecodeError, EncodeError, ProtocolError


def test_decode_error_names_the_layer_and_the_problem() -> None:
    error = DecodeError("Engine.IO", "empty packet")
    assert isinstance(error, ProtocolError)
    assert (error.layer, error.problem) == ("Engine.IO", "empty packet")
    assert str(error) == "invalid Engine.IO packet: empty packet"


def test_encode_error_is_the_callers_value_error() -> None:
    error = EncodeError("a set")
    assert isinstance(error, ProtocolError)
    assert isinstance(error, ValueError)
    assert error.problem == "a set"
    assert str(error) == "cannot encode: a set"


@pytest.mark.parametrize("error", [DecodeError("Socket.IO", "x"), EncodeError("x")])
def test_errors_can_be_pickled(error: ProtocolError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert str(copy) == str(error)
