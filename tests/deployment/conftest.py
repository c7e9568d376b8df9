"""What the tests of deployments share."""

from __future__ import annotations

import pytest


@pytest.fixture
def anyio_backend() -> str:
    """The clients of these tests run on asyncio; the servers are processes of their own."""
    return "asyncio"
