"""The adapter for NATS, on a real server."""
