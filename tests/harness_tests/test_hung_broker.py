"""A broker that hangs spoils one test, and not all that follow."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.brokers.mongo.server import DATABASE, MongoProcess, client
from tests.support.requirements import require_module

SECONDS = 0.5


@pytest.mark.parametrize("end", [MongoProcess.pause, MongoProcess.stop], ids=["hung", "ended"])
def test_a_database_is_renewed(tmp_path: Path, end: Callable[[MongoProcess], None]) -> None:
    require_module("secantus")
    with MongoProcess(tmp_path) as server:
        add_one(server)
        end(server)
        server.renew_if_hung(SECONDS)
        assert add_one(server) == 1


def test_a_database_that_is_well_stays_as_it_is(tmp_path: Path) -> None:
    require_module("secantus")
    with MongoProcess(tmp_path) as server:
        add_one(server)
        server.renew_if_hung()
        assert add_one(server) == 2


def add_one(server: MongoProcess) -> int:
    """Add a document; returns how many there are."""
    with client(server.url) as mongo:
        documents = mongo[DATABASE]["documents"]
        documents.insert_one({})
        return documents.count_documents({})
