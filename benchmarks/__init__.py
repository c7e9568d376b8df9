"""Whole events over real sockets, next to other servers: ``python -m benchmarks``."""
