"""The connection layer: Engine.IO sessions over ASGI."""

from .engine import Engine
from .hooks import RefusedRequest
from .http.cors import Cors
from .http.request import EngineRequest
from .options import Cookie, EngineOptions
from .session import Session, SessionListener

__all__ = [
    "Cookie",
    "Cors",
    "Engine",
    "EngineOptions",
    "EngineRequest",
    "RefusedRequest",
    "Session",
    "SessionListener",
]
