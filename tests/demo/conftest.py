"""Fixtures of the demonstration's tests."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def client_dir(node_modules: Path) -> Path:
    """Need the npm package ``socket.io-client``; returns its ``dist`` folder."""
    return node_modules / "socket.io-client" / "dist"
