"""uvicorn: protocol classes that are faster than its own.

```console
$ uvicorn main:io --ws socketio_asgi.integrations.uvicorn:WebSocketProtocol \
    --http socketio_asgi.integrations.uvicorn:HTTPProtocol
```

They serve all WebSockets and all HTTP requests of the application, of other frameworks as well.
"""

from socketio_asgi.uvicorn_protocols import ASGIHTTPProtocol, HTTPProtocol, WebSocketProtocol

__all__ = ["ASGIHTTPProtocol", "HTTPProtocol", "WebSocketProtocol"]
