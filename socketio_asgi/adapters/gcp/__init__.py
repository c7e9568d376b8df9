"""The adapter for Google Cloud Pub/Sub."""

from .adapter import GcpPubSubAdapter

__all__ = ["GcpPubSubAdapter"]
