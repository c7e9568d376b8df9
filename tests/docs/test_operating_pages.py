"""Pages on running a server: messages are those of the code, and commands those that there are."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator

import click
import pytest

from socketio_asgi import Server
from socketio_asgi.cli.commands import commands
from tests.support.clients import PollingClient
from tests.support.peer import open_peer

from .snippets import PAGES, ROOT
from .test_pages import Serving, text_of

PACKAGE = ROOT / "socketio_asgi"
TROUBLESHOOTING = text_of("troubleshooting")
# Words that a shell, a container or a service manager may have in front of the command.
COMMAND = re.compile(
    r"socketio-asgi (?P<name>run|emit|contract|demo|completion)\b(?P<rest>[^\n`#|]*)"
)


def literals() -> Iterator[str]:
    """The texts in the code of the package, without the docstrings of what is documented."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def quoted() -> list[str]:
    """The messages that the page begins its parts with."""
    return re.findall(r"^### `(.+)`$", TROUBLESHOOTING, re.MULTILINE)


# What comes from elsewhere: from Python, and from other frameworks.
FOREIGN = {"got an unexpected keyword argument", "Not Found"}


# Made of pieces: what the code has, with what is filled in.
COMPOSED = {"the adapter is away": ("%s is %s: %r", "the adapter", "away")}


def test_messages_are_those_of_the_code() -> None:
    assert len(quoted()) > 12
    known = set(literals())
    for message in quoted():
        there = any(message in text for text in known)
        there = there or known.issuperset(COMPOSED.get(message, ("no such text",)))
        assert there or message in FOREIGN, message
    for fragment in ("drops the header Upgrade", "refused %s from %s: %s"):
        assert any(fragment in text for text in known)


async def test_messages_that_clients_get(
    serving: Serving, caplog: pytest.LogCaptureFixture
) -> None:
    served = await serving(Server())
    async with PollingClient(served.url, headers={"Origin": "http://evil.example"}) as client:
        assert (await client.request("GET")).status_code == 403
    assert "Origin not allowed: a page of" in caplog.text
    async with PollingClient(served.url, path="/elsewhere/") as client:
        assert "no Socket.IO endpoint at" in (await client.request("GET")).text
    async with PollingClient(served.url) as client:
        client.sid = "unknown"
        answer = await client.request("GET")
        assert "Session ID unknown" in answer.text
    async with open_peer(served.url) as peer:
        assert await peer.refused("/nowhere") == {"message": "Invalid namespace"}


def documented_commands() -> Iterator[tuple[str, str, list[str]]]:
    for page in PAGES:
        text = page.read_text("utf-8").replace("\\\n", " ")
        # The form of a list, in a Dockerfile and in YAML.
        text = re.sub(
            r"\[(\"?socketio-asgi\b[^\]\n]*)\]",
            lambda match: match[1].replace('"', "").replace(",", ""),
            text,
        )
        for match in COMMAND.finditer(text):
            try:
                words = shlex.split(match["rest"])
            except ValueError:  # a quotation that goes on
                words = match["rest"].split()
            yield page.name, match["name"], words


def test_commands_have_these_options() -> None:
    found = list(documented_commands())
    assert len(found) > 25
    for page, name, words in found:
        known = {"--help", "-h"}
        for parameter in commands.commands[name].params:
            if isinstance(parameter, click.Option):
                known |= {*parameter.opts, *parameter.secondary_opts}
        options = {re.split("[=,.;:)]", word)[0] for word in words if word.startswith("--")}
        assert options <= known, (page, name)


def test_every_option_of_run_is_documented() -> None:
    text = text_of("command-line")
    for name in ("run", "emit", "connect", "contract"):
        for parameter in commands.commands[name].params:
            if isinstance(parameter, click.Option):
                assert any(option in text for option in parameter.opts), parameter.name
