"""The transports of a client: HTTP long-polling and WebSocket."""
