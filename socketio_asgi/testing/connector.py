"""Connecting clients that end together, as fixtures need it."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, AsyncExitStack
from contextvars import copy_context
from types import TracebackType
from typing import Self, Unpack

from ..asgi.entry_point import AnyApplication
from ..runtime import Runtime, open_runtime
from .client import TestClient
from .clock import Clock
from .connecting import connect
from .options import TestClientOptions
from .server import TestServer


class Connector:
    """Connects clients that all end together, at the end of its context.

    It is what the fixture ``socketio_connect`` gives to tests. The context may be entered and left
    in other tasks than those that connect clients, as test runners do with fixtures.

    Example:
        ```python
        async with Connector() as connect:
            ann = await connect(app)
            bob = await connect(app, "/admin")
        ```
    """

    def __init__(self) -> None:
        self._stack = AsyncExitStack()
        self._runtime: Runtime | None = None
        self._held: list[_Held] = []

    async def __aenter__(self) -> Self:
        self._runtime = await self._stack.enter_async_context(open_runtime())
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        errors: list[Exception] = []
        for held in reversed(self._held):
            errors += await held.end(failed=exc_value is not None)
        await self._stack.__aexit__(exc_type, exc_value, traceback)
        if exc_value is None and errors:
            raise errors[0] if len(errors) == 1 else ExceptionGroup("errors of the test", errors)

    async def __call__(
        self,
        app: AnyApplication | TestServer,
        namespace: str = "/",
        *,
        raise_server_exceptions: bool = True,
        clock: Clock | None = None,
        lifespan: bool = True,
        **options: Unpack[TestClientOptions],
    ) -> TestClient:
        """Connect a client; the arguments are those of :func:`~socketio_asgi.testing.connect`."""
        if self._runtime is None:
            raise RuntimeError("a Connector connects within its context: async with Connector()")
        connecting = connect(
            app,
            namespace,
            raise_server_exceptions=raise_server_exceptions,
            clock=clock,
            lifespan=lifespan,
            **options,
        )
        held = _Held(self._runtime, connecting)
        client = await held.begin()
        self._held.append(held)
        return client


class _Held:
    """A client that is connected in a task of its own, which also disconnects it.

    A context of trio ends in the task in which it began, and inside out. Tests and fixtures have
    different ones.
    """

    def __init__(
        self, runtime: Runtime, connecting: AbstractAsyncContextManager[TestClient]
    ) -> None:
        self._runtime = runtime
        self._connecting = connecting
        self._begun = runtime.event()
        self._ending = runtime.event()
        self._ended = runtime.event()
        self._client: TestClient | None = None
        self._errors: list[Exception] = []
        self._failed = False

    async def begin(self) -> TestClient:
        """Connect the client."""
        task = self._runtime.start_background(self._hold(), copy_context())
        try:
            await self._begun.wait()
        except BaseException:
            task.cancel()
            raise
        if self._client is None:
            raise self._errors[0]
        return self._client

    async def end(self, *, failed: bool) -> list[Exception]:
        """Disconnect it; returns what was raised.

        Args:
            failed: Whether the test has failed, so that other errors are of no interest.
        """
        self._failed = failed
        self._ending.set()
        await self._ended.wait()
        return self._errors

    async def _hold(self) -> None:
        try:
            async with self._connecting as self._client:
                self._begun.set()
                await self._ending.wait()
                if self._failed:
                    raise _TestFailed  # noqa: TRY301  # what the contexts are told
        except _TestFailed:
            pass
        except Exception as error:  # noqa: BLE001  # raised where it is waited for
            self._errors.append(error)
        finally:
            self._begun.set()
            self._ended.set()


class _TestFailed(Exception):
    """The error of the test is elsewhere."""
