"""The life of what has a connection with a broker: begun in an event loop, tried again, closed.

idle → starting → ready ⇄ away → closing → closed
"""

from __future__ import annotations

import logging
import os
import random
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from ..events.acks import wait_at_most
from ..runtime import Cancellable, Event, Runtime
from ..runtime.shielding import at_most
from .errors import ClusterUnavailable, NotRetryable
from .states import AdapterState, AdapterStatus

logger: logging.Logger = logging.getLogger("socketio_asgi.server")

START_SECONDS = 5.0
"""The time that the lifespan waits for a broker before it goes on without it."""

CLOSE_SECONDS = 2.0
"""The time that adapters have to close, all together."""

RETRY_SECONDS = 0.1
"""The longest delay before the second attempt to reach a broker; it doubles with each attempt."""

MAX_RETRY_SECONDS = 5.0
"""The longest delay of all: a hundred servers then make twenty attempts each second."""

STABLE_SECONDS = 10.0
"""The time with a broker after which the delays begin anew."""


class Life(ABC):
    """One life, in one event loop.

    Args:
        runtime: The event loop.

    Attributes:
        runtime: The same.
        begun: The time of its beginning, on the clock of the event loop, in seconds.
        status: The present state, and the last error.
    """

    def __init__(self, runtime: Runtime) -> None:
        self.runtime: Runtime = runtime
        self.begun: float = runtime.now()
        self.status: AdapterStatus = AdapterStatus()
        self._pid = os.getpid()
        self._waiters: list[Event] = []
        self._attempts = 0
        self._ready_since = 0.0
        # The attempt that is being made, or the timer of the next one.
        self._work: Cancellable | None = None
        self._attempting = False
        self._lost_early: Exception | None = None

    # -- what lives --------------------------------------------------------------------------

    @abstractmethod
    def _enter(self) -> None:
        """Begin in the event loop."""

    @abstractmethod
    async def _connect(self) -> None:
        """Connect to the broker.

        Raises:
            NotRetryable: It makes no sense to try again.
            Exception: It does.
        """

    @abstractmethod
    async def _acquaint(self) -> None:
        """Wait until the other servers had the time to introduce themselves."""

    @abstractmethod
    async def _release(self) -> None:
        """Say goodbye, and close the connection; takes no longer than :data:`CLOSE_SECONDS`."""

    @abstractmethod
    def _changed(self, state: AdapterState, error: Exception | None) -> None:
        """Called when the state has changed."""

    # -- for the server ----------------------------------------------------------------------

    def goes_on(self) -> bool:
        """True if the caller is in the same event loop, whichever runtime object it has."""
        return self.status.state is not AdapterState.CLOSED and self.runtime.is_current()

    def covers(self, runtime: Runtime, subject: str) -> bool:
        """True when no other life is to begin in an event loop.

        Args:
            runtime: The event loop; the caller runs in its thread.
            subject: What lives, for the error.

        Raises:
            RuntimeError: The process has forked since the start.
        """
        if self.runtime is runtime or self.goes_on():
            return True
        if self.forked():
            raise RuntimeError(
                f"the {subject} was started before this process was forked: use the server in the"
                " workers only, not in the process that starts them"
            )
        return False

    def forked(self) -> bool:
        """True if it began in another process, and lives on there."""
        return self.status.state is not AdapterState.CLOSED and self._pid != os.getpid()

    def begin(self) -> None:
        """Make the first attempt."""
        self._enter()
        self._change(AdapterState.STARTING)
        self._attempt()

    async def started(self, seconds: float | None = None) -> None:
        """Wait until an attempt has succeeded, or no attempt can succeed.

        Args:
            seconds: The longest time to wait; None is :data:`START_SECONDS`.

        Raises:
            NotRetryable: None can.
        """
        if self.status.state in {AdapterState.STARTING, AdapterState.AWAY}:
            waiter = self.runtime.event()
            self._waiters.append(waiter)
            longest = START_SECONDS if seconds is None else seconds
            await wait_at_most(self.runtime, waiter, longest)
        if isinstance(self.status.error, NotRetryable):
            raise self.status.error

    async def ready(self) -> None:
        """Wait until the broker is there, and the others had the time to introduce themselves.

        Raises:
            NotRetryable: It will never be there.
            ClusterUnavailable: The server was closed.
        """
        while self.status.state is not AdapterState.READY:
            if self._over():
                raise ClusterUnavailable("the server is closed")
            await self.started()
        await self._acquaint()

    async def close(self) -> None:
        """Close it, if its event loop is the present one."""
        if self._over():
            return
        if self.runtime.is_current():
            self._stop()
            self._change(AdapterState.CLOSING)
            await self._release()
        self.end()

    def end(self) -> None:
        """Stop all attempts, and change to the state CLOSED."""
        self._stop()
        self._change(AdapterState.CLOSED)

    # -- attempts ----------------------------------------------------------------------------

    def _attempt(self) -> None:
        self._attempting = True
        self._lost_early = None
        self._work = self.runtime.start_background(self._start())

    async def _start(self) -> None:
        try:
            await self._connect()
        except NotRetryable as error:
            # Nobody else will: what it has opened by then is of no use.
            await self._release()
            self._change(AdapterState.CLOSED, error)
        except Exception as error:  # noqa: BLE001  # drivers have errors of their own
            self._try_again(error)
        else:
            self._on_started(self._lost_early)
        finally:
            self._attempting = False

    def _on_started(self, lost: Exception | None) -> None:
        if lost is not None:
            return self._try_again(lost)
        self._ready_since = self.runtime.now()
        self._change(AdapterState.READY)

    def _try_again(self, error: Exception) -> None:
        if self.status.state is AdapterState.READY:
            stable = self.runtime.now() - self._ready_since >= STABLE_SECONDS
            self._attempts = 0 if stable else self._attempts
        self._change(AdapterState.AWAY, error)
        longest = min(RETRY_SECONDS * 2**self._attempts, MAX_RETRY_SECONDS)
        self._attempts = min(self._attempts + 1, 32)
        # Full jitter, so that the servers of a cluster do not come back all at once.
        delay = random.uniform(0, longest)  # noqa: S311  # no secret
        self._work = self.runtime.call_later(delay, self._attempt)

    def _stop(self) -> None:
        if self._work is not None:
            self._work.cancel()
            self._work = None

    # -- for what lives ----------------------------------------------------------------------

    def lost(self, error: Exception) -> None:
        """Called when the broker is gone: it is tried to connect again."""
        if self._attempting:
            self._lost_early = error
        elif not self._over():
            self._stop()
            self._try_again(error)

    def away(self, error: Exception) -> None:
        """Called when the broker is gone for a while, and comes back without another attempt."""
        if self.status.state is AdapterState.READY:
            self._change(AdapterState.AWAY, error)

    def back(self) -> None:
        """Called when the broker is there again."""
        if self.status.state is AdapterState.AWAY and not self._attempting:
            self._change(AdapterState.READY)

    def _over(self) -> bool:
        return self.status.state in {AdapterState.CLOSING, AdapterState.CLOSED}

    def _change(self, state: AdapterState, error: Exception | None = None) -> None:
        if state is self.status.state:
            self.status = AdapterStatus(state, self.status.since, error or self.status.error)
            return
        self.status = AdapterStatus(state, self.runtime.now(), error or self.status.error)
        if state in {AdapterState.READY, AdapterState.CLOSED}:
            waiters, self._waiters = self._waiters, []
            for waiter in waiters:
                waiter.set()
        self._changed(state, error)


def log_state(what: str, state: AdapterState, error: Exception | None) -> None:
    """Log a change of the state of something, such as ``"the adapter"``."""
    if error is None:
        logger.info("%s is %s", what, state.value)
    else:
        level = logging.ERROR if isinstance(error, NotRetryable) else logging.WARNING
        logger.log(level, "%s is %s: %r", what, state.value, error)


async def close_quietly(closable: Any) -> None:
    """Close something; what it raises is logged."""
    close: Callable[[], Any] = closable.close
    try:
        await close()
    except Exception:
        logger.exception("%r cannot be closed", closable)


async def close_in_time(closable: Any) -> None:
    """Close something, within :data:`CLOSE_SECONDS`; what it raises is logged."""
    await at_most(CLOSE_SECONDS, close_quietly(closable))
