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


def requirements_of(command: list[str]) -> list[str]:
    """What a command installs: names, addresses and folders, those of files among them."""
    match command:
        case ["-e", folder]:
            return [folder]
        case ["-r", file]:  # from the folder of the examples
            lines = (ROOT / "examples" / file).read_text("utf-8").splitlines()
            return [line for line in lines if not line.startswith("#")]
    return command


def ours(argument: str) -> Requirement | None:
    """The requirement, if it is one of this package: from the repository, or from a checkout."""
    for folder in ("path/to/", "."):
        if argument.startswith(folder):
            name = argument.removeprefix(folder)
            return Requirement(name if folder != "." else f"{project()['name']}{name}")
    requirement = Requirement(argument)
    if requirement.name != project()["name"]:
        return None
    assert requirement.url == f"git+{project()['urls']['Source']}"
    return requirement


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_work_without_a_release(page: Path) -> None:
    """They name the repository, or a folder; a name alone is on no index so far."""
    extras = set(project()["optional-dependencies"])
    for command in commands(page):
        for argument in requirements_of(command):
            requirement = ours(argument)
            if requirement is not None:
                assert requirement.name == project()["name"]
                assert requirement.extras <= extras


def test_the_readme_has_one() -> None:
    readme = commands(ROOT / "README.md")
    assert [word for command in readme for word in command if "git+" in word]
    assert [word for command in readme for word in command if word.startswith("path/to/")]
