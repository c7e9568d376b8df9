"""The adapter, as applications make it."""

from __future__ import annotations

from functools import partial
from typing import Unpack

from socketio_asgi.adapters.cluster import ClusterAdapter, ClusterSettings

from .driver import MqttDriver


class MqttAdapter(ClusterAdapter):
    """Joins servers over a broker of MQTT 5: ``Server(adapter=MqttAdapter("localhost"))``.

    Args:
        host: The host of the broker.
        port: Its port.
        prefix: What all topics begin with: applications that share a broker need one each.
        username: The name to log in with, if the broker wants one.
        password: The password.
        options: The options that all adapters for a cluster have in common.
    """

    def __init__(
        self,
        host: str,
        port: int = 1883,
        *,
        prefix: str = "socket.io",
        username: str | None = None,
        password: str | None = None,
        **options: Unpack[ClusterSettings],
    ) -> None:
        if not prefix or set(prefix) & set("+#\0"):
            raise ValueError(f"prefix must be a topic without wildcards, not {prefix!r}")
        make_driver = partial(MqttDriver, host, port, prefix, username, password)
        super().__init__(make_driver, **options)
