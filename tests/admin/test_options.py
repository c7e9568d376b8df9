"""The options of instrument(): what is not said lets nobody in."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

import pytest

from socketio_asgi import Server
from socketio_asgi.admin import AdminPages, BasicAuth, MemorySessionStore, instrument

from .support import AUTH, HASH


def test_the_password_is_not_shown() -> None:
    assert HASH not in repr(AUTH)
    assert "admin" in repr(AUTH)


def test_auth_is_required() -> None:
    with pytest.raises(TypeError, match="auth"):
        instrument(Server())  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("auth", "error", "message"),
    [
        (None, TypeError, "False to let everybody in"),
        (True, TypeError, "BasicAuth"),
        ("admin:secret", TypeError, "BasicAuth"),
        ({"username": "admin"}, TypeError, "auth lacks password"),
        ({"type": "digest", "username": "a", "password": HASH}, ValueError, '"basic"'),
        ({"user": "a", "username": "a", "password": HASH}, TypeError, "has no 'user'"),
        ({"username": "", "password": HASH}, ValueError, "must not be empty"),
        ({"username": 1, "password": HASH}, TypeError, "username must be text"),
        ({"username": "a", "password": b"x"}, TypeError, "bcrypt hash"),
        ({"username": "a", "password": HASH[:-1]}, ValueError, "bcrypt hash"),
        ({"username": "a", "password": HASH.replace("$04$", "$31$")}, ValueError, "4 to 15"),
        ({"username": "a", "password": HASH.replace("$04$", "$02$")}, ValueError, "4 to 15"),
    ],
)
def test_wrong_auth(auth: Any, error: type[Exception], message: str) -> None:
    io = Server()
    with pytest.raises(error, match=re.escape(message)):
        instrument(io, auth=auth)
    assert list(io.namespaces) == ["/"]  # and no open one is left


def test_a_plain_password_is_in_no_message() -> None:
    with pytest.raises(ValueError, match="bcrypt hash") as caught:
        BasicAuth(username="admin", password="hunter2")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"mode": "test"}, ValueError, 'mode is "development" or "production"'),
        ({"readonly": "no"}, TypeError, "readonly must be True or False"),
        ({"server_id": ""}, TypeError, "server_id must be text"),
        ({"server_id": 7}, TypeError, "server_id must be text"),
        ({"store": {}}, TypeError, "SessionStore"),
        ({"count_packets": 1}, TypeError, "count_packets must be True or False"),
        ({"namespace_name": "/"}, ValueError, 'must not be "/"'),
        ({"namespace_name": 1}, TypeError, "namespace_name must be text"),
        ({"namespace_name": "/taken"}, ValueError, "there is a namespace '/taken' already"),
        ({"namespace_name": "/room-1"}, ValueError, "there is a namespace '/room-1' already"),
        ({"password": "x"}, TypeError, "password"),
    ],
)
def test_wrong_options(options: Any, error: type[Exception], message: str) -> None:
    io = Server()
    io.of("/taken")
    io.of(re.compile(r"/room-\d"))
    with pytest.raises(error, match=re.escape(message)):
        instrument(io, auth=False, **options)
    assert "/admin" not in io.namespaces


def test_no_server() -> None:
    with pytest.raises(TypeError, match="takes a Server, not a object"):
        instrument(object(), auth=False)  # type: ignore[arg-type]


def test_once_is_enough() -> None:
    io = Server()
    namespace = instrument(io, auth=AUTH)
    assert namespace.name == "/admin"
    with pytest.raises(ValueError, match="instrumented before"):
        instrument(io, auth=AUTH, namespace_name="/another")


def test_everybody_is_told_of(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "socketio_asgi.admin")
    instrument(Server(), auth=False)
    assert "lets everybody in" in caplog.text


def test_it_is_no_part_of_the_contract() -> None:
    io = Server()
    before = io.contract().asyncapi()
    instrument(io, auth=AUTH)
    assert io.contract().asyncapi() == before


def test_options_of_stores_and_pages(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="session_duration"):
        MemorySessionStore(session_duration=0)
    with pytest.raises(ValueError, match="max_sessions"):
        MemorySessionStore(max_sessions=0)
    with pytest.raises(ValueError, match=r"npm install @socket\.io/admin-ui"):
        AdminPages(tmp_path)
    with pytest.raises(TypeError, match="folder of the admin UI"):
        AdminPages(None)  # type: ignore[arg-type]
