"""Many official clients of several servers, each request to another one."""

from __future__ import annotations

import pytest

from tests.brokers.redis.servers import RedisProcess

from .support import CLIENTS, POLLING, UPGRADING, check_crowd, servers

pytestmark = pytest.mark.usefixtures("node_modules")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("uvicorn", "polling"),
        ("uvicorn", "upgrading"),
        ("hypercorn-trio", "polling"),
        ("granian", "upgrading"),
    ],
)
async def test_no_client_notices_that_there_are_several(
    name: str, kind: str, redis_server: RedisProcess, prefix: str
) -> None:
    options = POLLING if kind == "polling" else UPGRADING
    with servers(name, redis_server, prefix) as several:
        counters = await check_crowd([server.port for server in several], options)
        assert "malformed messages" not in counters
        if kind == "polling":
            assert counters["polls of other servers' clients"] > CLIENTS
        else:
            assert counters["sessions taken over"] > CLIENTS // 3


async def test_ids_of_the_application(redis_server: RedisProcess, prefix: str) -> None:
    with servers("uvicorn-fast", redis_server, prefix, app="io_with_own_ids") as several:
        await check_crowd([server.port for server in several], POLLING)


@pytest.mark.parametrize("kind", ["polling", "upgrading"])
async def test_a_larger_crowd(kind: str, redis_server: RedisProcess, prefix: str) -> None:
    options = POLLING if kind == "polling" else UPGRADING
    with servers("uvicorn-fast", redis_server, prefix) as several:
        await check_crowd([server.port for server in several], options, clients=120)
