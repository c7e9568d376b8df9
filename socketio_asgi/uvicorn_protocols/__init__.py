"""Connections on uvicorn, faster than with its own protocol classes.

    uvicorn main:app --ws socketio_asgi.integrations.uvicorn:WebSocketProtocol \
        --http socketio_asgi.integrations.uvicorn:HTTPProtocol

They serve every ASGI application. Those that know it are offered an extension by which their
WebSockets do without tasks and queues (:mod:`socketio_asgi.extensions.websocket`).

    http.py         HTTP connections, and the one write for what they send in a turn
    websocket.py    the upgrade request, until the application decides about it
    request.py      what the request says
    response.py     HTTP responses to it
    channel.py      the ASGI side: the application, receive() and send()
    connection.py   an open WebSocket
    reader.py       frames of the client
    masking.py      their mask
    shared.py       what all connections of a server share: timers, the flush of each turn
"""

from .http import HTTPProtocol
from .websocket import WebSocketProtocol

__all__ = ["HTTPProtocol", "WebSocketProtocol"]
