"""The values that one handler is given beside those of its event."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from inspect import isawaitable
from typing import Any, cast

from ...runtime.callables import locate
from ...validation.annotations import TypedParameter
from ..plans import Finish, HandlerCall
from .markers import Marker, ParameterSource, marker_of, source_of
from .plan import Overrides, Plan, PlanBuilder, PlanSettings
from .solving import solve, solve_in_thread
from .steps import Getter, Values
from .supplies import Introduced

NO_OVERRIDES: Overrides = {}


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A plan, and how the values of the handler's parameters are found in it."""

    plan: Plan
    getters: tuple[Getter, ...]

    def pick(self, values: Values) -> list[Any]:
        return [get(values) for get in self.getters]


class Injection:
    """The values of those parameters of a handler that the event does not fill.

    The functions may be overridden, as in tests: by ``dependency_overrides`` of the application in
    which the server is mounted, or of the server. They are looked up at each event.

    Args:
        function: The handler.
        parameters: Its parameters that are filled: those with a marker, and of types such as
            ``Request``.
        shared: Dependencies that are called first, for what they check.
        settings: What the plan depends on beside the functions.
        overrides: The functions that are called in place of others, beside those of the
            application.

    Raises:
        TypeError: A parameter cannot be filled, or dependencies depend on one another in a circle.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        parameters: Sequence[TypedParameter],
        *,
        shared: Sequence[Marker] = (),
        settings: PlanSettings,
        overrides: Overrides = NO_OVERRIDES,
    ) -> None:
        self._function = function
        self._parameters = tuple(parameters)
        self._shared = tuple(shared)
        self._settings = settings
        self._overrides = overrides
        self._compiled = self._compile(NO_OVERRIDES)
        # Those that were used last, and what was made for them.
        self._overridden: tuple[Overrides, _Compiled] = (NO_OVERRIDES, self._compiled)

    async def run(self, call: HandlerCall, finish: Finish, *, is_async: bool) -> Any:
        """Find the values, and call the handler; see :class:`..plans.Dependencies`."""
        compiled = self._find(call)
        if not is_async and compiled.plan.threaded:
            result = await solve_in_thread(
                compiled.plan, call, lambda values: finish(compiled.pick(values))
            )
        else:
            values = compiled.pick(await solve(compiled.plan, call))
            if is_async:
                return await finish(values)
            result = await call.run_in_thread(partial(finish, values))
        return await result if isawaitable(result) else result

    # -- plans -------------------------------------------------------------------------------

    def _find(self, call: HandlerCall) -> _Compiled:
        functions = self._compiled.plan.functions
        if not functions:
            return self._compiled
        of_application = _overrides_of_application(call)
        if not of_application and not self._overrides:  # nearly always
            return self._compiled
        overrides = {**self._overrides, **of_application}
        used, compiled = self._overridden
        if overrides != used:
            compiled = self._compile(overrides)
            self._overridden = overrides, compiled
        return compiled

    def _compile(self, overrides: Overrides) -> _Compiled:
        builder = PlanBuilder(self._settings, overrides)
        for marker in self._shared:
            builder.depend(marker)
        found: dict[str, Getter] = {}
        read: list[TypedParameter] = []
        for typed in self._parameters:
            get = self._fill(builder, typed)
            if get is None:
                read.append(typed)
            else:
                found[typed.name] = get
        found.update(builder.read(read, self._function))
        getters = tuple(found[typed.name] for typed in self._parameters)
        return _Compiled(builder.build(), getters)

    def _fill(self, builder: PlanBuilder, typed: TypedParameter) -> Getter | None:
        """A function that finds the value of a parameter; None if it is read from the request."""
        marker = marker_of(typed)
        if marker is not None:
            return builder.depend(marker)
        source = source_of(typed)
        if source is ParameterSource.CONNECTION:
            return None
        get = None if source else builder.supply(typed)
        if get is None:
            raise TypeError(
                f"the parameter {typed.name!r} of {locate(self._function)} is the body of a"
                " request, which events do not have: annotate it without a marker"
            )
        return get


def _overrides_of_application(call: HandlerCall) -> Mapping[Any, Any]:
    """``dependency_overrides`` of the application in which the server is mounted."""
    if call.subject is None:
        return NO_OVERRIDES
    app = cast("Introduced", call.subject).handshake.connection.scope.get("app")
    return getattr(app, "dependency_overrides", None) or NO_OVERRIDES
