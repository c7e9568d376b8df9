"""The example of a driver of one's own passes the suite of all drivers."""

from __future__ import annotations

import pytest

from examples.mqtt_adapter import test_mqtt_adapter as example
from tests.support.requirements import require_command

TestMqttAdapter = example.TestMqttAdapter
anyio_backend = example.anyio_backend
mosquitto = example.mosquitto
test_a_prefix_with_wildcards = example.test_a_prefix_with_wildcards
test_a_wrong_password = example.test_a_wrong_password


@pytest.fixture(scope="session", autouse=True)
def needed() -> None:
    """Need the broker under CI, where the example is content to be skipped."""
    require_command("mosquitto")
