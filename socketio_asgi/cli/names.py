"""The name of the command."""

PROGRAM = "socketio-asgi"
