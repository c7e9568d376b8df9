"""The suite of all drivers, over Postgres."""

from __future__ import annotations

from typing import Unpack

import psycopg
import pytest
from anyio import to_thread

from socketio_asgi.adapters import PostgresAdapter
from socketio_asgi.adapters.cluster import ClusterAdapter, ClusterSettings
from socketio_asgi.testing.adapters import AdapterConformance, Broker, ProxiedBroker
from tests.brokers.interop.services import port_and_host

TABLE = "conformance_attachments"


class PostgresBroker(ProxiedBroker):
    """A database, behind a proxy for each server."""

    def __init__(self, url: str) -> None:
        super().__init__(*port_and_host(url))
        self._url = url
        self._address = "{1}:{0}".format(*port_and_host(url))

    def connect(
        self, host: str, port: int, key: str, **options: Unpack[ClusterSettings]
    ) -> ClusterAdapter:
        url = self._url.replace(self._address, f"{host}:{port}")
        return PostgresAdapter(url, channel_prefix=key, table_name=TABLE, **options)

    async def inject(self, key: str, data: bytes) -> None:
        await to_thread.run_sync(self._notify, f"{key}#/", data)

    def _notify(self, channel: str, data: bytes) -> None:
        text = data.decode("latin-1").replace("\0", " ")  # there are no others
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute("SELECT pg_notify(%s, %s)", (channel, text))


class TestPostgres(AdapterConformance):
    binary = False

    @pytest.fixture
    def broker(self, postgres_url: str) -> Broker:
        return PostgresBroker(postgres_url)
