"""The script that compares public APIs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.public_api.__main__ import api_of
from tests.public_api.compare import compare

from .support import ROOT

BEFORE = '''
class Base:
    def inherited(self) -> None: ...

class Server(Base):
    """A server."""

    limit: int = 3

    def __init__(self, *, path: str = "/") -> None:
        self.path = path
        self._secret = 1

    def kept(self) -> "Token": ...
    def changed(self, value: int) -> str: ...
    def removed(self) -> None: ...
    def old_name(self, one: int, two: "Token") -> bool: ...
    async def wait(self) -> None: ...

    @property
    def state(self) -> str: ...

class Token:
    def text(self) -> str: ...

def function(one, *, two=2): ...
'''

AFTER = (
    BEFORE.replace("changed(self, value: int)", "changed(self, value: int | None = None)")
    .replace("    def removed(self) -> None: ...\n", "")
    .replace("old_name", "new_name")
    .replace("Token", "Ticket")
    .replace("def state", "def ready")
    .replace("async def wait", "def wait")
    .replace("        self._secret = 1", "        self.open = True")
)

PACKAGE = "from socketio_asgi._parts import Server, {token}, function\n__all__ = {names}\n"


def write_package(folder: Path, source: str, token: str) -> None:
    """Write a small package of the same name."""
    package = folder / "socketio_asgi"
    for name in ("adapters", "protocol", "integrations"):
        (package / name).mkdir(parents=True, exist_ok=True)
        (package / name / "__init__.py").write_text("__all__ = []\n")
    text = PACKAGE.format(token=token, names=["Server", token, "function"])
    (package / "__init__.py").write_text(text)
    (package / "_parts.py").write_text("from __future__ import annotations\n" + source)
    (package / "integrations" / "own.py").write_text(f"def {token.lower()}(value: int): ...\n")


def test_what_is_public(tmp_path: Path) -> None:
    write_package(tmp_path, BEFORE, "Token")
    assert api_of(tmp_path) == {
        "socketio_asgi.Server": "class (*, path: 'str' = '/') -> 'None'",
        "socketio_asgi.Server.changed": "function (self, value: 'int') -> 'str'",
        "socketio_asgi.Server.inherited": "function (self) -> 'None'",
        "socketio_asgi.Server.kept": "function (self) -> \"'Token'\"",
        "socketio_asgi.Server.limit": "value 3",
        "socketio_asgi.Server.old_name": "function (self, one: 'int', two: \"'Token'\") -> 'bool'",
        "socketio_asgi.Server.path": "attribute",
        "socketio_asgi.Server.removed": "function (self) -> 'None'",
        "socketio_asgi.Server.state": "property: str",
        "socketio_asgi.Server.wait": "async function (self) -> 'None'",
        "socketio_asgi.Token": "class ()",
        "socketio_asgi.Token.text": "function (self) -> 'str'",
        "socketio_asgi.function": "function (one, *, two=2)",
        "socketio_asgi.integrations.own.token": "function (value: int)",
    }


def test_what_happened_to_it(tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=tests", "-c", "user.email=tests@example.com"]
        command = ["git", *identity, "-c", "commit.gpgsign=false", *arguments]
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)

    git("init")
    write_package(tmp_path, BEFORE, "Token")
    git("add", ".")
    git("commit", "-m", "before")
    write_package(tmp_path, AFTER, "Ticket")
    command = [sys.executable, "-m", "tests.public_api", "--against", "HEAD"]
    command += ["--repository", str(tmp_path)]
    printed = subprocess.check_output(command, cwd=ROOT, text=True).splitlines()
    assert printed == [
        "added: 1",
        "  socketio_asgi.Server.open: attribute",
        "renamed: 4",
        "  socketio_asgi.Server.old_name -> socketio_asgi.Server.new_name",
        "  socketio_asgi.Server.state -> socketio_asgi.Server.ready",
        "  socketio_asgi.Token -> socketio_asgi.Ticket",
        "  socketio_asgi.integrations.own.token -> socketio_asgi.integrations.own.ticket",
        "changed: 2",
        "  socketio_asgi.Server.changed: function (self, value: 'int') -> 'str'",
        "    now function (self, value: 'int | None' = None) -> 'str'",
        "  socketio_asgi.Server.wait: async function (self) -> 'None'",
        "    now function (self) -> 'None'",
        "removed: 1",
        "  socketio_asgi.Server.removed: function (self) -> 'None'",
    ]


def test_the_api_of_the_project() -> None:
    api = api_of(ROOT)
    assert "socketio_asgi.Server.emit" in api
    assert "socketio_asgi.integrations.starlette.mount" in api
    assert [name for name in api if "._" in name] == ["socketio_asgi.__version__"]
    assert compare(api, api).changed == {}


def test_names_that_could_be_one_or_the_other_are_not_renamed() -> None:
    before = {"m.A": "class ()", "m.A.one": "attribute", "m.A.two": "attribute"}
    after = {"m.A": "class ()", "m.A.three": "attribute"}
    difference = compare(before, after)
    assert difference.renamed == {}
    assert difference.removed.keys() == {"m.A.one", "m.A.two"}
    assert difference.added.keys() == {"m.A.three"}
