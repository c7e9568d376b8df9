"""The connection layer: Engine.IO sessions over ASGI."""

from .cookies import Cookie
from .engine import Engine
from .exchange import SessionListener
from .http.cors import Cors
from .http.request import EngineRequest
from .observer import EngineObserver, RefusedRequest
from .options import EngineOptions
from .public_session import Session, TransportInfo
from .response_headers import ResponseHeaders
from .session import SessionCore

__all__ = [
    "Cookie",
    "Cors",
    "Engine",
    "EngineObserver",
    "EngineOptions",
    "EngineRequest",
    "RefusedRequest",
    "ResponseHeaders",
    "Session",
    "SessionCore",
    "SessionListener",
    "TransportInfo",
]
