"""What only a replica set of mongod can show; all other tests of this folder run there as well."""

from __future__ import annotations

import os
from typing import Any

import bson
import pytest
from pymongo.errors import OperationFailure

from socketio_asgi.adapters.mongo.pipelines import live
from socketio_asgi.brokers.mongo.library import HISTORY_LOST

from .server import DATABASE, client


@pytest.fixture
def replica_set() -> str:
    """The URL of a replica set; no registry of packages has a mongod that could be started."""
    url = os.environ.get("TEST_MONGO_URL")
    if not url:
        pytest.skip("TEST_MONGO_URL does not name a replica set of mongod")
    return url


def test_a_time_before_the_oplog_is_refused(replica_set: str, key: str) -> None:
    """The adapter relies on that when a client, or a server, was away for too long."""
    with client(replica_set) as mongo, pytest.raises(OperationFailure) as caught:
        mongo[DATABASE][key].watch(start_at_operation_time=bson.Timestamp(1, 1))
    assert caught.value.code in HISTORY_LOST


def test_the_stages_are_understood(replica_set: str, key: str) -> None:
    document: dict[str, Any] = {"type": 2, "uid": "another", "nsp": "/"}
    with client(replica_set) as mongo:
        collection = mongo[DATABASE][key]
        with collection.watch(live("0" * 16, recovers=True)) as stream:
            collection.insert_one({**document, "uid": "0" * 16, "type": 9})  # its own
            collection.insert_one(document)
            event = stream.next()
    assert event["fullDocument"]["uid"] == "another"
    assert event["clusterTime"].time > 0
