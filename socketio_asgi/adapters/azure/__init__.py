"""The adapter for Azure Service Bus."""

from .adapter import AzureServiceBusAdapter

__all__ = ["AzureServiceBusAdapter"]
