"""What the benchmarks need."""

from __future__ import annotations

import sys

import pytest

from tests.support.requirements import require_module


@pytest.fixture(autouse=True)
def needed() -> None:
    if sys.platform != "linux":
        pytest.skip("reads /proc")
    for name in ("picows", "uvloop", "httptools", "uvicorn"):
        require_module(name)
