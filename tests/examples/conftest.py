"""What the examples have in common: those with a build are built once."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.support.shared import once_per_run

from .support import build

Built = Callable[..., Path]


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Build what is in JavaScript, once per run: ``built("react_chat")`` is its copy's folder."""

    def find(example: str, *, development: bool = False) -> Path:
        name = f"{example}-development" if development else example
        make = partial(build, example, development=development)
        return once_per_run(tmp_path_factory, name, make) / example

    return find
