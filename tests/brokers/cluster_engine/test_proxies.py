"""The load balancers of the documentation, without what makes them sticky."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.brokers.redis.servers import RedisProcess
from tests.deployment.processes import HAProxyProcess, NginxProcess, ProxyProcess
from tests.docs.snippets import ROOT, blocks_of
from tests.support.requirements import require_command

from .support import POLLING, UPGRADING, check_crowd, servers

pytestmark = pytest.mark.usefixtures("node_modules")

PAGE = ROOT / "docs" / "load-balancers.md"
CLIENTS = 12


def without(language: str, *lines: str) -> str:
    """A configuration of the page without some lines, or parts of them."""
    block = blocks_of(PAGE, language)[0].code
    for line in lines:
        assert line in block
        block = block.replace(line, "")
    return block


PROXIES: dict[str, tuple[Callable[..., ProxyProcess], str]] = {
    "nginx": (NginxProcess, without("nginx", "    hash $remote_addr consistent;\n")),
    "haproxy": (
        HAProxyProcess,
        without(
            "haproxy",
            "    cookie worker insert indirect nocache httponly\n",
            " cookie one",
            " cookie two",
        ).replace("leastconn", "roundrobin"),
    ),
}


@pytest.mark.parametrize("kind", ["polling", "upgrading"])
@pytest.mark.parametrize("name", PROXIES)
async def test_a_balancer_that_knows_no_sessions(
    name: str, kind: str, redis_server: RedisProcess, prefix: str, tmp_path: Path
) -> None:
    options = POLLING if kind == "polling" else UPGRADING
    process, block = PROXIES[name]
    require_command(name, f"/usr/sbin/{name}")
    with (
        servers("uvicorn-fast", redis_server, prefix, count=2) as several,
        process(block, several, tmp_path) as proxy,
    ):
        counters = await check_crowd([proxy.port], options, clients=CLIENTS, processes=2, shouts=4)
        assert counters["requests of other servers' clients"] > 0
