"""The values for one event, by the plan of its handler."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, TypeVar

from ..exits import leave_here
from ..plans import HandlerCall
from .plan import Plan
from .steps import Values

ResultT = TypeVar("ResultT")


async def solve(plan: Plan, call: HandlerCall) -> Values:
    """Call the dependencies; what they have opened is closed when the call ends."""
    values: Values = [None] * plan.size
    for slot, get in plan.supplied:
        values[slot] = get(call)
    for step in plan.steps:
        values[step.slot] = await step.solve(call, values)
    return values


async def solve_in_thread(
    plan: Plan, call: HandlerCall, handle: Callable[[Values], ResultT]
) -> ResultT:
    """Call the dependencies and the handler, and close what they have opened, in one thread.

    Args:
        plan: A plan that can be carried out there.
        call: The call of the handler.
        handle: Calls the handler with the values.
    """
    values: Values = [None] * plan.size
    for slot, get in plan.supplied:
        values[slot] = get(call)
    for step in plan.reads:
        await step.read_ahead(values)
    return await call.run_in_thread(partial(_solve_here, plan, values, handle))


def _solve_here(plan: Plan, values: Values, handle: Callable[[Values], ResultT]) -> ResultT:
    managers: list[AbstractContextManager[Any]] = []
    try:
        for step in plan.steps:
            values[step.slot] = step.solve_here(values, managers)
        result = handle(values)
    except BaseException as error:
        leave_here(managers, error)
        raise
    leave_here(managers, None)
    return result
