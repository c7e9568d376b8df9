"""The options of clients in tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypedDict

from ..client.options import Auth
from ..protocol import Parser


class TestClientOptions(TypedDict, total=False):
    """The options of a client in a test: those of :class:`~socketio_asgi.client.Client` and some.

    What concerns a real network is not among them.
    """

    auth: Auth
    """What the client says about itself when it joins the namespace."""
    namespaces: Sequence[str]
    """More namespaces to connect."""
    path: str
    """The path of the server, ``/socket.io/`` by default."""
    query: Mapping[str, str]
    """What is added to the query of each request."""
    headers: Mapping[str, str]
    """What is added to the headers of each request."""
    cookies: Mapping[str, str]
    """Cookies of each request, beside those that the server sets."""
    transports: Sequence[str]
    """The transports in the order in which they are tried; ``["websocket"]`` by default. With both,
    the upgrade has happened when the client is connected."""
    base_url: str
    """Scheme and host of the requests; ``http://testserver`` by default."""
    root_path: str
    """The prefix that a proxy in front of the application would strip from the path."""
    client_address: tuple[str, int]
    """The address that the client seems to have; another one for each by default."""
    try_all_transports: bool
    """As in the client."""
    upgrade: bool
    """As in the client."""
    remember_upgrade: bool
    """As in the client."""
    connect_timeout: float
    """As in the client."""
    reconnection: bool
    """Whether the client comes back after it has lost its connection; False by default."""
    reconnection_attempts: int | None
    """As in the client."""
    reconnection_delay: float
    """As in the client."""
    reconnection_delay_max: float
    """As in the client."""
    randomization_factor: float
    """As in the client; but 0 by default."""
    retry_first_connect: bool
    """As in the client."""
    retries: int
    """As in the client."""
    ack_timeout: float
    """As in the client."""
    parser: Parser
    """As in the client."""
    offline_buffer: int
    """As in the client."""
    max_in_flight: int
    """As in the client."""
    ordered: bool
    """As in the client."""
