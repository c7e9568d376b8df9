"""The demonstration: a chat room in the browser, started by ``socketio-asgi demo``."""
