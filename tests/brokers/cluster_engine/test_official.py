"""Our servers and official ones share sessions."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.brokers.redis.servers import RedisProcess

from .official import OfficialServer, build_engine
from .support import POLLING, UPGRADING, check_crowd, servers

pytestmark = pytest.mark.usefixtures("node_modules", "official_adapters")


@pytest.fixture(scope="session")
def official_engine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The official engine as one file."""
    return build_engine(tmp_path_factory.mktemp("engine"))


@pytest.mark.parametrize("kind", ["polling", "upgrading"])
async def test_a_crowd(
    kind: str, official_engine: Path, redis_server: RedisProcess, prefix: str
) -> None:
    options = POLLING if kind == "polling" else UPGRADING
    with (
        OfficialServer(official_engine, redis_server.url, prefix) as official,
        servers("uvicorn-fast", redis_server, prefix, count=2) as ours,
    ):
        ports = [official.port, *(server.port for server in ours)]
        await check_crowd(ports, {**options, "counted": False}, clients=24)
        assert official.running
