from __future__ import annotations

from socketio_asgi import protocol


def test_all_public_names_exist() -> None:
    assert len(set(protocol.__all__)) == len(protocol.__all__)
    for name in protocol.__all__:
        assert getattr(protocol, name) is not None
