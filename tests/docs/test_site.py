"""The documentation, built: what its pages fetch, link, copy and find."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.support.node import run_node
from tests.support.requirements import require_module

from .snippets import ROOT

SCENARIO = Path(__file__).with_name("site.mjs")

# A tag that makes the browser fetch what it names, and the address on another host.
FETCHED = re.compile(
    r"<(?:script|img|iframe|audio|video|source|embed|object)\b[^>]*?"
    r"\b(?:src|data)=[\"']?((?:https?:)?//[^\"'\s>]+)"
    r"|<link\b(?![^>]*rel=[\"']?(?:canonical|alternate|next|prev))[^>]*?"
    r"\bhref=[\"']?((?:https?:)?//[^\"'\s>]+)"
)
# A name of the package in a signature that leads nowhere.
UNLINKED = re.compile(r'<span title="(socketio_asgi(?:\.\w+)*\.\w+)">')
# What signatures name and readers need not know: the inside of objects that only the package
# makes, and the default of a parameter that is documented in words.
INSIDE = {
    "socketio_asgi.client.emitting.Sending",
    "socketio_asgi.client.manager_core.ManagerCore",
    "socketio_asgi.client.streams.StreamSource",
    "socketio_asgi.client.sync_client.Loop",
    "socketio_asgi.events.plans.HandlerCall",
    "socketio_asgi.adapters.cluster.core.Core",
    "socketio_asgi.adapters.cluster.namespace.ClusterNamespace",
    "socketio_asgi.brokers.redis.deployment.ClusterClient",
    "socketio_asgi.brokers.redis.deployment.PooledClient",
    "socketio_asgi.contract.description.Description",
    "socketio_asgi.extensions.direct.DirectRequests",
    "socketio_asgi.websocket.reader.OnEvent",
    "socketio_asgi.emitters.base._EVERYBODY",
    "socketio_asgi.engine.public_session.SessionInside",
    "socketio_asgi.events.acks.AckSink",
    "socketio_asgi.events.acks.AckTarget",
    "socketio_asgi.events.declared._NO_ACK",
    "socketio_asgi.events.plans.AckCallback",
    "socketio_asgi.events.plans.Handler",
    "socketio_asgi.events.workers.Workers",
    "socketio_asgi.server.core.ServerCore",
    "socketio_asgi.server.namespace_core.NamespaceCore",
    "socketio_asgi.server.observer.Observer",
    "socketio_asgi.server.selection.Selection",
    "socketio_asgi.server.socket_core.SocketCore",
}
# By word, the page that the search has to name among the first.
SEARCHES = {
    "redis": "/cluster/redis/",
    "jwt": "/authentication/",
    "testing": "/testing/",
    "django": "/frameworks/django/",
    "validation": "/typed-events/",
    "nginx": "/load-balancers/",
    "systemd": "/deployment/",
    "python-socketio": "/coming-from/python-socketio/",
}


# The build and the browser take long on a busy machine.
pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the documentation, beside the checkout."""
    require_module("zensical")
    folder = tmp_path_factory.mktemp("site")
    shutil.copy(ROOT / "mkdocs.yml", folder)
    shutil.copytree(ROOT / "docs", folder / "docs")
    shutil.copytree(ROOT / ".ci", folder / ".ci")
    (folder / "socketio_asgi").symlink_to(ROOT / "socketio_asgi")
    program = Path(sys.executable).with_name("zensical")
    done = subprocess.run(
        [program, "build", "--strict"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "site"


@pytest.fixture(scope="module")
def site_url(site: Path) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Write nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    thread.join()
    server.server_close()


def test_nothing_is_fetched_from_other_hosts(site: Path) -> None:
    fetched = {
        "".join(match)
        for page in site.rglob("*.html")
        for match in FETCHED.findall(page.read_text("utf-8"))
    }
    assert fetched == set()


def test_names_in_signatures_are_links(site: Path) -> None:
    unlinked: set[str] = set()
    for page in (site / "reference").rglob("*.html"):
        text = page.read_text("utf-8")
        names = set(UNLINKED.findall(text))
        unlinked |= {name for name in names if not is_variable(name) and not is_member(name)}
    assert unlinked - INSIDE == set(), "document them, in docs/reference/types.md for example"


def is_variable(name: str) -> bool:
    """Whether it is a type variable, which stands for what the reader has."""
    return name.endswith(("T", "T_co"))


def is_member(name: str) -> bool:
    """Whether it is an attribute of a class, in the table of that class."""
    return name.split(".")[-2][0].isupper()


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_in_a_browser(
    site_url: str, chromium: str, node_modules: Path, anyio_backend: str
) -> None:
    options = {"copy": "getting-started/", "words": [*SEARCHES]}
    env = {"HARNESS_CHROMIUM": chromium}
    result = await run_node(SCENARIO, site_url, options, env=env, timeout=150)
    assert result["copied"].startswith("pip install fastapi"), result["copied"]
    assert (result["dark"], result["light"]) == ("slate", "default")
    assert result["foreign"] == []
    missed = {
        word: result["found"][word]
        for word, page in SEARCHES.items()
        if page not in result["found"][word]
    }
    assert missed == {}
