"""The adapter for NATS, with and without JetStream."""

from .adapter import NatsAdapter
from .stream import JetStream

__all__ = ["JetStream", "NatsAdapter"]
