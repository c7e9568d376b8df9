"""moto for the tests, and names that no other test has."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from .server import MotoServer


@pytest.fixture
def anyio_backend() -> Any:
    """aiobotocore knows asyncio alone."""
    return "asyncio"


@pytest.fixture(scope="session")
def own_moto() -> Iterator[MotoServer]:
    """A server of the tests in this process, which they may disturb if it runs in the end."""
    with MotoServer() as server:
        yield server


@pytest.fixture
def key() -> str:
    """A name for topics and queues that no other test has."""
    return f"test-{secrets.token_hex(6)}"
