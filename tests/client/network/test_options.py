"""The options of a network: mistakes are told at once."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest

from socketio_asgi.client.network.options import MAX_MESSAGE_SIZE, NetworkOptions


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"headers": ["a"]}, TypeError, "headers must be a dict such as"),
        ({"headers": {"a": 1}}, TypeError, "headers must hold texts"),
        ({"headers": {b"a": "b"}}, TypeError, "headers must hold texts"),
        ({"headers": {"a b": "c"}}, ValueError, "this cannot be sent as a header: 'a b': 'c'"),
        ({"headers": {"ä": "c"}}, ValueError, "this cannot be sent as a header"),
        ({"headers": {"a": "b\nc"}}, ValueError, "this cannot be sent as a header"),
        ({"headers": {"a": "€"}}, ValueError, "this cannot be sent as a header"),
        ({"headers": {"Upgrade": "b"}}, ValueError, "the header Upgrade belongs to the protocol"),
        ({"headers": {"content-length": "1"}}, ValueError, "belongs to the protocol"),
        ({"cookies": "a=b"}, TypeError, "cookies must be a dict such as"),
        ({"cookies": {"a": None}}, TypeError, "cookies must hold texts"),
        ({"cookies": {"a": "b; c"}}, ValueError, "this cannot be sent as a cookie"),
        ({"cookies": {"": "b"}}, ValueError, "this cannot be sent as a cookie"),
        ({"cookies": {"a": "ä"}}, ValueError, "this cannot be sent as a cookie"),
        ({"cookies": {"a": "b\r\n"}}, ValueError, "this cannot be sent as a cookie"),
        ({"cookies": {"a=": "b"}}, ValueError, "this cannot be sent as a cookie"),
        ({"ssl_context": True}, TypeError, "ssl_context must be an ssl.SSLContext, such as"),
        ({"ssl_context": "ca.pem"}, TypeError, "ssl_context must be an ssl.SSLContext, such as"),
        ({"proxy": True}, TypeError, "proxy must be"),
        ({"proxy": "socks5://host"}, ValueError, "proxy must be"),
        ({"max_message_size": 0}, ValueError, "max_message_size must be a positive whole number"),
        ({"max_message_size": "1MB"}, TypeError, "max_message_size must be"),
        ({"unix_socket": 1}, TypeError, "unix_socket must be a path, not 1"),
        ({"http_client": "httpx"}, TypeError, "http_client must be an AsyncClient of httpx2"),
    ],
)
def test_mistakes(options: dict[str, Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error) as caught:
        NetworkOptions(**options)
    assert str(caught.value).startswith(text) or text in str(caught.value)


def test_a_synchronous_client_is_refused() -> None:
    import httpx2

    with httpx2.Client() as client, pytest.raises(TypeError, match=r"AsyncClient"):
        NetworkOptions(http_client=client)


def test_right_options() -> None:
    options = NetworkOptions()
    assert options.max_message_size == MAX_MESSAGE_SIZE == 104_857_600
    headers = {"X": "1", "Host": "other"}
    context = ssl.create_default_context()
    options = NetworkOptions(
        headers=headers,
        cookies={"a": "", "b": "x=y"},
        ssl_context=context,
        proxy="https://user:pass@proxy.example",
        max_message_size=None,
        unix_socket=Path("/run/app.sock"),
    )
    headers["Y"] = "2"
    assert options.headers == {"X": "1", "Host": "other"}
    assert options.unix_socket == "/run/app.sock"
    assert options.tls() is context
    assert NetworkOptions(max_message_size=1e6).max_message_size == 1_000_000  # type: ignore[arg-type]
