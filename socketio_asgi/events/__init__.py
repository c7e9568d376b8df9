"""Handlers, listeners and acknowledgements of events: the same for a server and for a client."""
