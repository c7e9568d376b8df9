"""What is made once for all test processes of a run."""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.shared import once_per_run


def test_only_one_makes_it(tmp_path_factory: pytest.TempPathFactory) -> None:
    name, made = secrets.token_hex(), []
    tmp_path_factory.getbasetemp()  # it is not made for threads: the first call makes the folder

    def make(folder: Path) -> None:
        made.append(folder)
        (folder / "file").write_text("text")

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: once_per_run(tmp_path_factory, name, make), range(8)))
    assert found == made * 8
    assert (found[0] / "file").read_text() == "text"


def test_after_a_failure_it_is_made_anew(tmp_path_factory: pytest.TempPathFactory) -> None:
    name = secrets.token_hex()

    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        once_per_run(tmp_path_factory, name, fail)
    folder = once_per_run(tmp_path_factory, name, lambda folder: (folder / "whole").touch())
    assert [path.name for path in folder.iterdir()] == ["whole"]
