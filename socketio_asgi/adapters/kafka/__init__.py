"""The adapter for Kafka."""

from .adapter import KafkaAdapter

__all__ = ["KafkaAdapter"]
