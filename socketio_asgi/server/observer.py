"""The interface of what watches a server: metrics, traces, logs."""

from __future__ import annotations

from ..adapters.observer import AdapterObserver
from ..engine.observer import EngineObserver
from ..events.observer import CallObserver


class Observer(EngineObserver, CallObserver, AdapterObserver):
    """Watches a server; every method does nothing until a subclass overrides it.

    Give an instance to ``Server(observer=...)``. The methods are called in the event loop, so they
    must be quick; what they raise is logged. Without an observer, nothing is measured.
    """
