"""The connection layer: Engine.IO sessions over ASGI."""

from .cors import Cors
from .engine import Engine
from .hooks import RefusedRequest
from .options import Cookie, EngineOptions
from .request import EngineRequest
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
