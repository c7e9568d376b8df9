"""The server that runs the demo, and how Ctrl-C ends it."""

from __future__ import annotations

import signal
import socket
from types import FrameType

import uvicorn


class DemoServer(uvicorn.Server):
    """uvicorn that ends in order and in silence, however often Ctrl-C comes.

    A terminal sends SIGINT to the whole process group, and what started this process, such as a
    shell or a supervisor, may send it once more. A second one would make uvicorn leave out the end
    of the application. The end takes no longer than ``timeout_graceful_shutdown`` as it is.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        # uvicorn raises a signal again when it has ended, for the handler that was there before. By
        # default a KeyboardInterrupt would come out of the middle of the event loop then.
        signal.signal(signal.SIGINT, self.handle_exit)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Note the first signal; uvicorn calls this for each."""
        if not self.should_exit:
            super().handle_exit(sig, frame)

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until a signal comes, and ignore each further SIGINT in this process."""
        super().run(sockets)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the interpreter itself has yet to end
