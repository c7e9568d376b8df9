"""Connections with message brokers, as the adapters and emitters need them."""
