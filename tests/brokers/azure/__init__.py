"""Tests with Azure Service Bus."""
