"""The suite of all drivers, over the mesh of workers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Unpack

import pytest

from socketio_asgi.adapters import WorkersAdapter
from socketio_asgi.adapters.cluster import ClusterAdapter, ClusterSettings
from socketio_asgi.testing.adapters import AdapterConformance, Broker

from .support import short_folder


class MeshBroker(Broker):
    """No broker, but a folder for the sockets of the workers."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def adapter(self, key: str, **options: Unpack[ClusterSettings]) -> ClusterAdapter:
        return WorkersAdapter(self._folder / key, **options)


@pytest.mark.runtime
class TestWorkers(AdapterConformance):
    @pytest.fixture
    def broker(self) -> Iterator[Broker]:
        with short_folder() as folder:
            yield MeshBroker(folder)
