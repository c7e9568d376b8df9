"""The commands that install the package before it is on the index."""

from __future__ import annotations

import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from tests.docs.snippets import PAGES, ROOT, blocks_of


def project() -> dict[str, Any]:
    data: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return data


def commands(page: Path) -> list[list[str]]:
    """What the console blocks of a page give to pip."""
    lines = [line for block in blocks_of(page, "console") for line in block.code.splitlines()]
    return [
        shlex.split(line, comments=True)[3:] for line in lines if line.startswith("$ pip install ")
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_work_without_a_release(page: Path) -> None:
    """They name the repository, or a folder; a name alone is on no index so far."""
    extras = set(project()["optional-dependencies"])
    for argument in (argument for command in commands(page) for argument in command):
        if argument.startswith("path/to/"):
            requirement = Requirement(argument.removeprefix("path/to/"))
        else:
            requirement = Requirement(argument)
            if requirement.name != "socketio-asgi":
                continue
            assert requirement.url == f"git+{project()['urls']['Source']}"
        assert requirement.name == project()["name"]
        assert requirement.extras <= extras


def test_the_readme_has_one() -> None:
    readme = commands(ROOT / "README.md")
    assert [word for command in readme for word in command if "git+" in word]
    assert [word for command in readme for word in command if word.startswith("path/to/")]
