"""The servers that are compared: how each is started, and whether it can be."""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.support.ports import HOST

HERE = Path(__file__).resolve().parent
NODE_MODULES = HERE.parent / "node_modules"
CLASSES = "socketio_asgi.integrations.uvicorn"
FAST = ("--ws", f"{CLASSES}:WebSocketProtocol", "--http", f"{CLASSES}:HTTPProtocol")
NO_DIRECT = ("--ws", f"{CLASSES}:WebSocketProtocol", "--http", f"{CLASSES}:ASGIHTTPProtocol")
STOCK = ("--ws", "websockets-sansio", "--http", "httptools")
SPEEDUPS = "socketio-asgi-speedups"
OURS = "benchmarks.servers.ours"
BARE = "benchmarks.servers.bare"
EXPOSED_APPLICATION = "benchmarks.servers.exposed"

Command = Callable[[str, int], list[str]]
"""Makes a command line, given the Python that runs servers in Python, and the port."""


@dataclass(frozen=True)
class Server:
    """One server.

    Attributes:
        name: What ``--servers`` takes.
        title: What the tables say.
        command: Makes the command line.
        modules: The Python modules that it needs.
        attribute: What has to be in the last of them.
        packages: Those that are told with the results; npm packages for JavaScript servers.
        optional: Further ones in Python, where they are installed.
        lacks: The features that it leaves out, see :attr:`Scenario.needs`.
        quick: Whether it belongs to those that are compared by default.
        environment: Variables that its process has besides those of this one.
    """

    name: str
    title: str
    command: Command
    modules: tuple[str, ...] = ()
    attribute: str = ""
    packages: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    lacks: frozenset[str] = frozenset()
    quick: bool = True
    environment: Mapping[str, str] = field(default_factory=dict)

    def missing(self, python: str) -> str:
        """Why it cannot be started here; empty if it can."""
        if self.modules:
            return _failed_imports(python, self.modules, self.attribute)
        program = self.command(python, 0)[0]
        if shutil.which(program) is None:
            return f"{program} is not installed"
        absent = [name for name in self.packages if not (NODE_MODULES / name).is_dir()]
        return f"npm packages {', '.join(absent)} are not installed" if absent else ""

    def versions(self, python: str) -> dict[str, str]:
        """The versions of what it is made of."""
        if self.modules:
            return _python_versions(python, self.packages, self.optional)
        program = self.command(python, 0)[0]
        found = {Path(program).name: _output([program, "--version"]).strip().lstrip("v")}
        for name in self.packages:
            manifest = NODE_MODULES / name / "package.json"
            found[name] = json.loads(manifest.read_text())["version"]
        return found


def uvicorn(module: str, classes: tuple[str, ...]) -> Command:
    """The command for the application ``app`` of a module, with protocol classes."""

    def command(python: str, port: int) -> list[str]:
        return [
            *(python, "-m", "uvicorn", f"{module}:app"),
            *("--host", HOST, "--port", str(port), "--loop", "uvloop", *classes),
            *("--ws-per-message-deflate", "false", "--ws-ping-interval", "0"),
            *("--ws-max-size", "1000000", "--log-level", "warning", "--no-access-log"),
        ]

    return command


def _granian(python: str, port: int) -> list[str]:
    return [
        *(python, "-m", "granian", f"{OURS}:app", "--interface", "asgi", "--ws"),
        *("--host", HOST, "--port", str(port), "--workers", "1", "--loop", "uvloop"),
        # By default, no more than 1024 polls can wait at a time.
        *("--backpressure", "20000", "--log-level", "warning", "--no-access-log"),
    ]


def _hypercorn(python: str, port: int) -> list[str]:
    return [
        *(python, "-m", "hypercorn", f"{OURS}:app", "--bind", f"{HOST}:{port}"),
        *("--worker-class", "uvloop", "--log-level", "warning", "--backlog", "4096"),
    ]


def node(script: str) -> Command:
    """The command for a script of this folder."""
    return lambda _python, port: ["node", str(HERE / script), str(port)]


def _bun(_python: str, port: int) -> list[str]:
    """The command in the package ``bun`` wants a step after its installation; the binary not."""
    machine = {"x86_64": "x64", "arm64": "aarch64"}.get(platform.machine(), platform.machine())
    binary = NODE_MODULES / "@oven" / f"bun-{platform.system().lower()}-{machine}" / "bin" / "bun"
    return [str(binary), str(HERE / "bun.mjs"), str(port)]


UVICORN = ("uvicorn", "uvloop", "httptools")
NO_LOGIC = frozenset({"rooms", "upgrade", "heartbeat"})

_COMPARED = (
    Server(
        "ours",
        "ours on uvicorn",
        uvicorn(OURS, STOCK),
        modules=(*UVICORN, "websockets", "socketio_asgi"),
        packages=("socketio-asgi", *UVICORN, "websockets"),
    ),
    Server(
        "ours-fast",
        "ours on uvicorn, fast path",
        uvicorn(OURS, FAST),
        modules=(*UVICORN, CLASSES),
        attribute="HTTPProtocol",
        packages=("socketio-asgi", *UVICORN),
        optional=(SPEEDUPS,),
    ),
    Server(
        "ours-pure",
        "ours on uvicorn, fast path, pure Python",
        uvicorn(OURS, FAST),
        modules=(*UVICORN, CLASSES),
        attribute="HTTPProtocol",
        packages=("socketio-asgi", *UVICORN),
        environment={"SOCKETIO_ASGI_SPEEDUPS": "0"},
    ),
    Server(
        "ours-asgi",
        "ours on uvicorn, fast path, all requests through ASGI",
        uvicorn(OURS, NO_DIRECT),
        modules=(*UVICORN, CLASSES),
        attribute="ASGIHTTPProtocol",
        packages=("socketio-asgi", *UVICORN),
        quick=False,
    ),
    Server(
        "ours-granian",
        "ours on granian",
        _granian,
        modules=("granian", "uvloop", "socketio_asgi"),
        packages=("socketio-asgi", "granian", "uvloop"),
        quick=False,
    ),
    Server(
        "ours-hypercorn",
        "ours on hypercorn",
        _hypercorn,
        modules=("hypercorn", "uvloop", "socketio_asgi"),
        packages=("socketio-asgi", "hypercorn", "wsproto", "uvloop"),
        quick=False,
    ),
    Server(
        "bare",
        "bare ASGI on uvicorn",
        uvicorn(BARE, STOCK),
        modules=(*UVICORN, "websockets"),
        packages=(*UVICORN, "websockets"),
        lacks=NO_LOGIC,
    ),
    Server(
        "bare-fast",
        "bare ASGI on uvicorn, fast path",
        uvicorn(BARE, FAST),
        modules=(*UVICORN, CLASSES),
        attribute="HTTPProtocol",
        packages=("socketio-asgi", *UVICORN),
        lacks=NO_LOGIC,
        quick=False,
    ),
    Server(
        "python-socketio",
        "python-socketio on uvicorn",
        uvicorn("benchmarks.servers.python_socketio", STOCK),
        modules=(*UVICORN, "websockets", "socketio"),
        packages=("python-socketio", "python-engineio", *UVICORN, "websockets"),
    ),
    Server(
        "node",
        "socket.io on Node",
        node("node.mjs"),
        packages=("socket.io", "ws"),
        lacks=frozenset({"threads"}),
    ),
    Server("bun", "socket.io on Bun", _bun, packages=("socket.io", "@socket.io/bun-engine")),
)
SERVERS = tuple(replace(server, lacks=server.lacks | {"typed"}) for server in _COMPARED)
"""Those that are compared; what annotations cost is measured apart (:mod:`benchmarks.typed`)."""

_EXPOSING = {
    "ours": uvicorn(EXPOSED_APPLICATION, STOCK),
    "ours-fast": uvicorn(EXPOSED_APPLICATION, FAST),
    "node": node("exposed.mjs"),
}
EXPOSED = tuple(
    replace(server, command=_EXPOSING[server.name])
    for server in SERVERS
    if server.name in _EXPOSING
)
"""Those of them that have an application which clients can abuse."""

TITLES = {server.name: server.title for server in SERVERS}


def _failed_imports(python: str, modules: tuple[str, ...], attribute: str) -> str:
    """The last line of what importing them says, in the Python that would run the server."""
    lines = [f"import {name}" for name in modules]
    if attribute:
        lines.append(f"from {modules[-1]} import {attribute}")
    done = subprocess.run(
        [python, "-c", "\n".join(lines)], capture_output=True, text=True, check=False
    )
    return done.stderr.strip().rpartition("\n")[2] if done.returncode else ""


def _python_versions(
    python: str, packages: tuple[str, ...], optional: tuple[str, ...]
) -> dict[str, str]:
    script = (
        "import sys, platform, json; from importlib.metadata import distributions, version\n"
        "known = {each.metadata['Name'].lower() for each in distributions()}\n"
        "found = {'python': platform.python_version()}\n"
        "packages, optional = map(json.loads, sys.argv[1:])\n"
        "names = packages + [name for name in optional if name in known]\n"
        "found.update((name, version(name)) for name in names)\n"
        "print(json.dumps(found))"
    )
    command = [python, "-c", script, json.dumps(packages), json.dumps(optional)]
    found: dict[str, str] = json.loads(_output(command))
    return found


def _output(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
