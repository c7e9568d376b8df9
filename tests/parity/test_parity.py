"""The table in ``docs/parity.md``, the official list, the package and the tests say the same.

``official.json`` has the headings of the official pages on the server's API and options, as they
stand there. A row of the table that names nothing here says why in its last cell.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import socketio_asgi
import socketio_asgi.admin
from socketio_asgi import Server
from socketio_asgi.events.registry import LIFECYCLE_EVENTS

from .shown import check_all, check_test

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]
PAGE = ROOT / "docs" / "parity.md"

_CODE = re.compile(r"`([^`]+)`")
_CALL = re.compile(r"(?:@|await )?(?P<path>[\w.]+)(?:\((?P<argument>.*)\))?")


class Row(NamedTuple):
    """An official entry, its names here, and the test that shows it or why there is none."""

    section: str
    entry: str
    ours: str
    shown: str

    @property
    def names(self) -> list[str]:
        return _CODE.findall(self.ours)


def read_table() -> Iterator[Row]:
    section = ""
    for line in PAGE.read_text("utf-8").splitlines():
        if line.startswith("## "):
            section = line.removeprefix("## ")
        elif line.startswith("| `"):
            entry, ours, shown = (cell.strip() for cell in line.strip("|").split(" | "))
            yield Row(section, entry.strip("`"), ours, shown)


ROWS = list(read_table())


def row_id(row: Row) -> str:
    return f"{row.section}-{row.entry}"


def test_every_official_entry_has_a_row() -> None:
    official = json.loads((FOLDER / "official.json").read_text("utf-8"))["entries"]
    expected = [(section, entry) for section, entries in official.items() for entry in entries]
    assert [(row.section, row.entry) for row in ROWS] == expected


def test_every_row_is_complete() -> None:
    check_all(ROWS, row_id, check_row)


def check_row(row: Row) -> None:
    if row.names:
        assert _CODE.fullmatch(row.shown), "a name of ours needs a test"
    else:
        assert row.ours == "none"
        assert row.shown.endswith("."), "an entry without a name of ours needs a reason"


def test_every_name_exists() -> None:
    check_all(ROWS, row_id, check_names)


def check_names(row: Row) -> None:
    for name in row.names:
        match = _CALL.fullmatch(name)
        assert match is not None, name
        check_argument(resolve(match["path"]), match["path"], match["argument"] or "")


def resolve(path: str) -> Any:
    """What a name of the table stands for.

    ``io`` and ``namespace`` are real ones; ``socket`` and ``conn`` are classes, because real ones
    need a client. Anything else is imported from the package.
    """
    io = Server()
    roots = {
        "admin": socketio_asgi.admin,
        "io": io,
        "namespace": io.of("/"),
        "socket": socketio_asgi.Socket,
        "conn": socketio_asgi.Session,
    }
    first, *rest = path.split(".")
    found = roots[first] if first in roots else getattr(socketio_asgi, first)
    for name in rest:
        found = getattr(found, name)
    return found


def check_argument(function: Any, path: str, argument: str) -> None:
    """Check the name of an option or of an event."""
    option = re.match(r"(\w+)=", argument)
    text = re.match(r'"([\w ]+)"', argument)
    if option is not None:
        assert option[1] in inspect.signature(function).parameters
    elif text is not None and path in {"io.on", "namespace.on"}:
        assert text[1] in LIFECYCLE_EVENTS
    elif text is not None and path == "io.engine.on":
        function(text[1])  # an unknown event raises


def test_every_named_test_is_collected() -> None:
    named = [row for row in ROWS if row.names]
    check_all(named, row_id, lambda row: check_test(row.shown.strip("`")))
