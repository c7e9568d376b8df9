"""Socket.IO as a pure ASGI application."""
