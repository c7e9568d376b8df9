"""The way from a client to a server: HTTP requests, and WebSockets."""
