"""The chat of several servers, behind load balancers that know no sessions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from anyio import to_thread

from tests.brokers.redis.servers import RedisProcess
from tests.support.node import run_node, start_node
from tests.support.ports import HOST
from tests.support.processes import ServerProcess
from tests.support.requirements import require_command

from .support import EXAMPLES, ExampleProcess

FOLDER = EXAMPLES / "cluster_chat"
SCRIPT = "examples/cluster_chat.mjs"
SECONDS = 50
"""For one scenario: servers are missed ten seconds after they were killed."""
NAMES = {"John": 8001, "Paul": 8002, "George": 8003}
"""The servers, with their ports in the configurations of the load balancers."""

pytestmark = [
    pytest.mark.usefixtures("node_modules"),
    pytest.mark.parametrize("anyio_backend", ["asyncio"]),
]


class BalancerProcess(ServerProcess):
    """nginx or HAProxy with the configuration of the example, whose ports are replaced."""

    def __init__(self, name: str, servers: Sequence[ServerProcess], folder: Path) -> None:
        self._servers = servers
        self._folder = folder
        super().__init__(name, "")

    def _build_command(self, name: str, app: str, options: Sequence[str]) -> list[str]:
        file = {"nginx": "nginx.conf", "haproxy": "haproxy.cfg"}[name]
        text = (FOLDER / file).read_text("utf-8").replace("127.0.0.1:8000", f"{HOST}:{self.port}")
        for port, server in zip(NAMES.values(), self._servers, strict=True):
            assert f"127.0.0.1:{port}" in text
            text = text.replace(f"127.0.0.1:{port}", f"{HOST}:{server.port}")
        config = self._folder / file
        config.write_text(text, "utf-8")
        command = require_command(name, f"/usr/sbin/{name}")
        if name == "haproxy":
            return [command, "-db", "-f", str(config)]
        return [command, "-p", str(self._folder), "-e", "stderr", "-c", str(config)]

    def _require(self) -> None:
        """The command was found before."""


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Mapping[str, ServerProcess]]:
    with ExitStack() as stack:
        redis = stack.enter_context(RedisProcess(tmp_path))
        env = {"REDIS_URL": redis.url}
        found = {name: ExampleProcess("cluster_chat", env={**env, "NAME": name}) for name in NAMES}
        for server in found.values():
            stack.callback(server.close)
        with ThreadPoolExecutor() as threads:
            list(threads.map(ServerProcess.start, found.values()))
        yield found


@pytest.mark.timeout(2 * SECONDS)
@pytest.mark.parametrize("name", ["nginx", "haproxy"])
async def test_behind_a_balancer(
    name: str, servers: Mapping[str, ServerProcess], tmp_path: Path, anyio_backend: str
) -> None:
    """One of the servers is killed, and its clients go to the others."""
    async with (
        BalancerProcess(name, list(servers.values()), tmp_path) as balancer,
        start_node(SCRIPT, balancer.url, {"kill": True}, timeout=SECONDS) as script,
    ):
        killed = (await script.wait_for("ready", SECONDS))["server"]
        await to_thread.run_sync(servers[killed].kill)
        await script.send("killed")
        result = await script.finish(SECONDS)
    assert set(result["before"]) | set(result["after"]) <= set(NAMES)
    assert len(set(result["before"])) > 1
    assert killed not in result["after"]
    assert result["counts"] == [1, 2, 3, 3]
    assert result["typed"] == "person 0"
    assert result["left"] == ["person 2", 2]


async def test_workers_without_a_balancer(anyio_backend: str) -> None:
    async with ExampleProcess("cluster_chat", options=["--workers", "3"]) as server:
        result = await run_node(SCRIPT, server.url)
    assert all(name.startswith("worker ") for name in result["before"])
    assert result["counts"] == [1, 2, 3]
    assert result["left"] == ["person 2", 2]
