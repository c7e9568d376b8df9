"""The adapter for RabbitMQ."""

from .adapter import RabbitMqAdapter

__all__ = ["RabbitMqAdapter"]
