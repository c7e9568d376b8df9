"""Tools for the tests of applications, and of drivers of one's own."""

from .blocking import BlockingClient, connect_blocking
from .client import TestClient, TestNamespace
from .clock import Clock
from .connecting import connect
from .connector import Connector
from .options import TestClientOptions
from .server import TestServer

__all__ = [
    "BlockingClient",
    "Clock",
    "Connector",
    "TestClient",
    "TestClientOptions",
    "TestNamespace",
    "TestServer",
    "connect",
    "connect_blocking",
]
