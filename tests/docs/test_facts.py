"""What the documentation says of the code is what the code says of itself."""

from __future__ import annotations

import ast
import inspect
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

import socketio_asgi
from socketio_asgi import Cors, Server

from . import tables
from .snippets import PAGES, ROOT, rows_of

PACKAGE = ROOT / "socketio_asgi"
DOCS = ROOT / "docs"


@pytest.mark.parametrize("table", tables.ALL, ids=lambda table: table.__name__)
def test_tables_of_the_protocol(table: Callable[[], str]) -> None:
    assert table() in (DOCS / "protocol.md").read_text("utf-8"), f"replace it by\n{table()}"


def test_default_options() -> None:
    parameters = inspect.signature(Server).parameters
    for name, default, _ in rows_of(DOCS / "limits.md", "Options"):
        assert default == str(parameters[name.strip("`")].default), name


def test_defaults_of_cors() -> None:
    defaults = {field.name: field.default for field in fields(Cors)}
    documented = {
        name.strip("`"): ast.literal_eval(default.strip("`"))
        for name, default, _ in rows_of(DOCS / "cors.md", "All of it")
    }
    assert documented == defaults


def test_constants() -> None:
    in_code, documented = defaultdict[str, set[str]](set), defaultdict[str, set[str]](set)
    for name, value in constants():
        in_code[name].add(str(value))
    for name, value, _ in rows_of(DOCS / "limits.md", "Constants"):
        documented[name.strip("`")].add(value)
    assert documented == {name: in_code[name] for name in documented}


def constants() -> Iterator[tuple[str, Any]]:
    """The numbers that are named in capitals, anywhere in the package."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.parse(path.read_text("utf-8")).body:
            if not (isinstance(node, ast.Assign) and is_number(node.value)):
                continue
            if isinstance(node.targets[0], ast.Name):
                code = compile(ast.Expression(node.value), str(path), "eval")
                yield node.targets[0].id, eval(code, {})


def is_number(node: ast.expr) -> bool:
    if isinstance(node, ast.BinOp):
        return is_number(node.left) and is_number(node.right)
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float)


def test_reasons_of_a_disconnect() -> None:
    source = "\n".join(path.read_text("utf-8") for path in PACKAGE.rglob("*.py"))
    documented = {row[0].strip("`") for row in rows_of(DOCS / "lifecycle.md", "Reasons")}
    first = r"(?:transport|ping|parse|forced|server|(?:client|server) namespace)"
    second = r"(?:close|error|timeout|disconnect|shutting down)"
    used = set(re.findall(f'"({first} {second})"', source))
    assert documented == used


def test_every_page_is_in_the_navigation() -> None:
    config = (ROOT / "mkdocs.yml").read_text("utf-8")
    navigation = config.partition("\nnav:")[2].partition("\n\n")[0]
    listed = re.findall(r"[\w/-]+\.md", navigation)
    assert sorted(listed) == sorted(str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md"))


def test_public_names_are_in_the_reference() -> None:
    pages = (DOCS / "reference").glob("*.md")
    reference = "\n".join(page.read_text("utf-8") for page in pages)
    listed = set(re.findall(r"^::: socketio_asgi\.(\w+)$", reference, re.MULTILINE))
    assert set(socketio_asgi.__all__) - {"__version__"} <= listed


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_named_files_exist(page: Path) -> None:
    pattern = r"`((?:socketio_asgi|integrations|tests|examples|docs|\.ci|\.github)/[\w/.-]+)`"
    named = set(re.findall(pattern, page.read_text("utf-8")))
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_within_the_documentation(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text("utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []
