"""The whole suite."""

from __future__ import annotations

from .events import Events, Namespaces
from .faults import Faults
from .members import Members
from .questions import Questions, ServerEvents
from .recovery import Recovery
from .rooms import Rooms
from .sockets import Sockets


class AdapterConformance(
    Events, Namespaces, Rooms, Questions, ServerEvents, Sockets, Members, Faults, Recovery
):
    """All tests that an adapter for a cluster passes; see the module.

    Example:
        ```python
        class TestMyAdapter(AdapterConformance):
            @pytest.fixture
            def broker(self) -> Broker:
                return MyBroker(port=1234)
        ```
    """
