"""Connections of single servers through proxies.

Brokers of Kafka tell their clients where they are, so that a client goes around whatever proxy it
is given. Here those with a certain id are led back to it.
"""

from __future__ import annotations

from typing import Any

import aiokafka.client
import pytest
from aiokafka.conn import create_conn

Routes = dict[str, int]
"""The ports of proxies, by the ids of clients."""


def install(monkeypatch: pytest.MonkeyPatch) -> Routes:
    """Lead clients to the proxies that the result names."""
    routes: Routes = {}

    async def connect(host: str, port: int, **options: Any) -> Any:
        return await create_conn(host, routes.get(options["client_id"], port), **options)

    monkeypatch.setattr(aiokafka.client, "create_conn", connect)
    return routes
