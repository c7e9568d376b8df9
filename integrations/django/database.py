"""Database connections: what Django does for each request, done for each event.

Django keeps a connection for each thread, and looks at the end of a request whether it is broken or
too old (``CONN_MAX_AGE``). An event is no request, and nothing else would ever look.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from asgiref.sync import SyncToAsync, ThreadSensitiveContext, sync_to_async
from django.db import close_old_connections

from ...events.plans import Handler, Planner, Registration
from ...runtime.callables import is_async

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])


def uses_database(function: FunctionT) -> FunctionT:
    """Let a function use the database as a view does: no connection stays open behind its back.

    Connections that are broken or older than ``CONN_MAX_AGE`` are closed before and after each
    call. The asynchronous methods of the ORM run in a thread of their own for each call, as in an
    asynchronous view. Handlers of :func:`.make_server` are like that without the decorator.

    Args:
        function: A function, or an asynchronous one.
    """
    return cast("FunctionT", _asynchronous(function) if is_async(function) else _plain(function))


def planner_with_database(planner: Planner) -> Planner:
    """A planner that lets each handler use the database.

    Args:
        planner: What makes the plan.
    """

    def plan(registration: Registration) -> Handler:
        function = uses_database(registration.function)
        return planner(registration._replace(function=function))

    return plan


def _plain(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        close_old_connections()
        try:
            return function(*args, **options)
        finally:
            close_old_connections()

    return call


def _asynchronous(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    async def call(*args: Any, **options: Any) -> Any:
        async with _CallContext():
            return await function(*args, **options)

    return call


class _CallContext(ThreadSensitiveContext):
    """The thread of one call for all that is thread-sensitive, which the ORM is.

    It is made when it is needed for the first time. Its connections end with it.
    """

    async def __aexit__(self, *error: object) -> None:
        if self in SyncToAsync.context_to_thread_executor:
            await sync_to_async(_close_connections)()
        await super().__aexit__(*cast("Any", error))


def _close_connections() -> None:
    """Close the connections of this thread, which ends: nobody could use them again."""
    from django.db import connections

    connections.close_all()
