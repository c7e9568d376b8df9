"""Connections on uvicorn, faster than with its own protocol classes.

    uvicorn main:app --ws socketio_asgi.integrations.uvicorn:WebSocketProtocol \
        --http socketio_asgi.integrations.uvicorn:HTTPProtocol

They serve every ASGI application. Those that know it are offered an extension by which their
WebSockets do without tasks and queues (:mod:`socketio_asgi.extensions.websocket`).

    http.py              HTTP connections
    http_direct.py       requests that the application serves without ASGI
    http_late.py         uvicorn's part of a connection, made when a request goes there
    direct_context.py    the paths of those, and what uvicorn adds to them
    http_reading.py      bounds for what their clients send
    http_handover.py     connections that belong to another worker, and come from there
    http_writing.py      the buffer for what they send in a turn
    scopes.py            the scopes of WebSockets
    websocket.py         the upgrade request, until the application decides about it
    asgi_connection.py   the ASGI side: runs the application, and is its receive() and send()
    open_websocket.py    an accepted WebSocket
    keepalive.py         its pings
    server_context.py    the state of one server: deadlines, and what is read and sent in each turn

Frames, their reader and the opening handshake are in :mod:`socketio_asgi.websocket`.
"""

from .http import ASGIHTTPProtocol, HTTPProtocol
from .websocket import WebSocketProtocol

__all__ = ["ASGIHTTPProtocol", "HTTPProtocol", "WebSocketProtocol"]
