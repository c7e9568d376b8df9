"""Real parts that a test needs: absent ones skip for users and fail under CI."""

from __future__ import annotations

import importlib.util
import os
import shutil
from typing import NoReturn

import pytest


def in_ci() -> bool:
    """Tell whether the run must not skip anything (``CI=true`` in the environment)."""
    return os.environ.get("CI", "").lower() in {"1", "true", "yes"}


def missing(reason: str) -> NoReturn:
    """Skip the test with ``reason``, or fail it under CI."""
    if in_ci():
        pytest.fail(f"required under CI: {reason}", pytrace=False)
    pytest.skip(reason)


def require_module(name: str) -> None:
    """Need the importable module ``name``.

    >>> require_module("granian")
    """
    if importlib.util.find_spec(name) is None:
        missing(f"the Python package {name} is not installed")


def require_command(*names: str) -> str:
    """Return the path of the first command of ``names`` that is on ``PATH``.

    >>> chromium = require_command("chromium", "google-chrome")
    """
    for name in names:
        path = shutil.which(name)
        if path is not None:
            return path
    missing(f"none of these commands is on PATH: {', '.join(names)}")
