"""A suite of tests that every driver of a cluster passes.

A subclass says where the broker is, and how adapters for it are made:

```python
import pytest

from socketio_asgi.testing.adapters import AdapterConformance, ProxiedBroker


class MyBroker(ProxiedBroker):
    def connect(self, host, port, key, **options):
        return MyAdapter(f"my://{host}:{port}", prefix=key, **options)


class TestMyAdapter(AdapterConformance):
    @pytest.fixture
    def broker(self):
        return MyBroker(port=1234)
```

:class:`ProxiedBroker` is for brokers that listen on one TCP port; it lets the connections of single
servers break. :class:`Broker` is for all others, and has hooks for faults (``cut``, ``restore``,
``inject``), each of which may be missing: the tests that need it are skipped. Attributes of the
subclass say what the broker does not promise, or can do in addition; see :class:`Suite`. With
a library that knows asyncio alone, override the fixture ``anyio_backend`` to return ``"asyncio"``.

The servers are real ones, in the event loop of the test, with clients in the same process: nothing
but the broker is reached over a network. The tests are run by the plugin of anyio for pytest, which
is installed with anyio; pytest itself is not installed with this package.
"""

try:
    import pytest
except ModuleNotFoundError as _error:
    raise ModuleNotFoundError("this suite needs pytest: pip install pytest") from _error

_TESTS = ("cluster", "events", "faults", "members", "questions", "recovery", "rooms", "sockets")
# The failures of what is imported from here on show values.
pytest.register_assert_rewrite(*(f"{__name__}.{module}" for module in _TESTS))

from .broker import Broker  # noqa: E402
from .client import Client  # noqa: E402
from .cluster import Cluster  # noqa: E402
from .conformance import AdapterConformance  # noqa: E402
from .proxy import FaultProxy, ProxiedBroker, fault_proxy  # noqa: E402
from .server import ClusterServer  # noqa: E402
from .suite import Suite  # noqa: E402

__all__ = [
    "AdapterConformance",
    "Broker",
    "Client",
    "Cluster",
    "ClusterServer",
    "FaultProxy",
    "ProxiedBroker",
    "Suite",
    "fault_proxy",
]
