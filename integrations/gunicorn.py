"""gunicorn: a worker class with the protocol classes of :mod:`socketio_asgi.integrations.uvicorn`.

```console
$ pip install uvicorn-worker
$ gunicorn main:app --worker-class socketio_asgi.integrations.gunicorn.Worker
```

It is the worker of the package `uvicorn-worker
<https://github.com/Kludex/uvicorn-worker>`_, which has no option for these classes.
"""

from __future__ import annotations

import signal
from types import FrameType
from typing import TYPE_CHECKING, Any, ClassVar

from socketio_asgi.uvicorn_protocols import HTTPProtocol, WebSocketProtocol

if TYPE_CHECKING:

    class UvicornWorker:
        """The class that is extended, which has no types."""

        CONFIG_KWARGS: ClassVar[dict[str, Any]]

        def handle_exit(self, sig: int, frame: FrameType | None) -> None: ...

else:
    from uvicorn_worker import UvicornWorker

__all__ = ["Worker"]


class Worker(UvicornWorker):
    """The class for gunicorn's option ``--worker-class``; subclasses may change its options.

    Attributes:
        CONFIG_KWARGS: The options of :class:`uvicorn.Config`.
    """

    CONFIG_KWARGS: ClassVar[dict[str, Any]] = {
        **UvicornWorker.CONFIG_KWARGS,
        "ws": WebSocketProtocol,
        "http": HTTPProtocol,
    }

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End because gunicorn wants to end quickly, as with Ctrl+C.

        The base class only notes the signal and goes on; gunicorn would kill it later.
        """
        super().handle_exit(sig, frame)
        signal.raise_signal(signal.SIGTERM)
