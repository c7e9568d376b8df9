"""The plan of the dependencies of a handler: which are called, in which order, and with what.

Strategy. Every value that something may depend on has a number, in the order in which the values
come to be: first those that the event provides, then one for each dependency, after all that it
depends on itself. A value that is needed twice has one number. So solving is a loop over a list,
and nothing is looked up by name.

A dependency has one number however often it occurs, and another for other security scopes, if it,
or what it depends on, asks for them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

from ...runtime.callables import locate
from ...runtime.places import Places
from ...validation.annotations import TypedParameter
from ..context import classes_of
from .functions import THREADED, Kind, kind_of, parameters_of
from .markers import Marker, ParameterSource, marker_of, source_of
from .reading import fastapi_reader
from .steps import (
    Arguments,
    AsyncGeneratorStep,
    AsyncStep,
    CallStep,
    GeneratorStep,
    Getter,
    LimitedStep,
    PlainStep,
    ReadStep,
    Step,
)
from .supplies import (
    Get,
    Supply,
    context_supply,
    is_refused,
    is_request,
    is_scopes,
    is_tasks,
    refusal,
    request_supply,
    scopes_supply,
    tasks_supply,
)

Overrides = Mapping[Callable[..., Any], Callable[..., Any]]
"""The functions that are called in place of others, in tests."""

_STEPS: Mapping[Kind, type[CallStep]] = {
    Kind.ASYNC: AsyncStep,
    Kind.PLAIN: PlainStep,
    Kind.ASYNC_GENERATOR: AsyncGeneratorStep,
    Kind.GENERATOR: GeneratorStep,
}


@dataclass(frozen=True, slots=True)
class PlanSettings:
    """The surroundings of a plan, beside the functions.

    Attributes:
        has_client: Whether the calls are about a client.
        bearer_from_auth: See :func:`.supplies.request_supply`.
    """

    has_client: bool = True
    bearer_from_auth: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """The values for one handler, in their order.

    Attributes:
        size: The number of values.
        supplied: Those that there are for each event.
        steps: The steps to the others.
        functions: The dependencies that are called, which may be overridden.
        threaded: Whether all of it can be done in one thread.
        reads: Those of the steps that read from the request of the connection.
    """

    size: int
    supplied: tuple[tuple[int, Get], ...]
    steps: tuple[Step, ...]
    functions: frozenset[Callable[..., Any]]
    threaded: bool
    reads: tuple[ReadStep, ...]


class PlanBuilder:
    """Makes a plan.

    Args:
        settings: What it depends on beside the functions.
        overrides: The functions that are called in place of others.
    """

    def __init__(self, settings: PlanSettings, overrides: Overrides | None = None) -> None:
        self._settings = settings
        self._overrides: Overrides = overrides or {}
        self._size = 0
        self._supplied: dict[object, tuple[int, Get]] = {}
        self._steps: list[Step] = []
        self._functions: set[Callable[..., Any]] = set()
        self._threaded = True
        self._slots: dict[tuple[Callable[..., Any], tuple[str, ...] | None], int] = {}
        self._path: list[Callable[..., Any]] = []

    # -- what handlers need ------------------------------------------------------------------

    def depend(self, marker: Marker) -> Getter:
        """Call a dependency; returns how its value is found.

        Raises:
            TypeError: It cannot be called.
        """
        return itemgetter(self._node(marker, ()).slot)

    def read(
        self, parameters: Sequence[TypedParameter], function: Callable[..., Any]
    ) -> dict[str, Getter]:
        """Read values from the request of the connection; returns how each is found.

        Raises:
            TypeError: They cannot be read from there.
        """
        return self._read(parameters, function) if parameters else {}

    def supply(self, parameter: TypedParameter) -> Getter | None:
        """Have a value that there is for each event; returns how it is found.

        Raises:
            TypeError: It is one that only requests have.
        """
        supply = self._find(parameter, ())
        return None if supply is None else itemgetter(self._slot_of(supply))

    def build(self) -> Plan:
        """The plan."""
        return Plan(
            size=self._size,
            supplied=tuple(self._supplied.values()),
            steps=tuple(self._steps),
            functions=frozenset(self._functions),
            threaded=self._threaded,
            reads=tuple(step for step in self._steps if isinstance(step, ReadStep)),
        )

    # -- dependencies ------------------------------------------------------------------------

    def _node(self, marker: Marker, outer_scopes: tuple[str, ...]) -> _Node:
        scopes = tuple(dict.fromkeys((*outer_scopes, *marker.scopes)))
        if marker.use_cache:
            for of_scopes in (None, tuple(sorted(scopes))):
                slot = self._slots.get((marker.function, of_scopes))
                if slot is not None:
                    return _Node(slot, uses_scopes=of_scopes is not None)
        node = self._new_node(marker, scopes)
        of_scopes = tuple(sorted(scopes)) if node.uses_scopes else None
        self._slots.setdefault((marker.function, of_scopes), node.slot)
        return node

    def _new_node(self, marker: Marker, scopes: tuple[str, ...]) -> _Node:
        function = self._overrides.get(marker.function, marker.function)
        self._functions.add(marker.function)
        if function in self._path:
            names = [_name(item) for item in (*self._path, function)]
            raise TypeError(f"dependencies depend on one another in a circle: {' -> '.join(names)}")
        self._path.append(function)
        try:
            filled = self._fill(function, marker, scopes)
        finally:
            self._path.pop()
        kind = kind_of(function)
        step: Step = _STEPS[kind](self._next(), function, filled.arguments)
        if kind not in THREADED:
            self._threaded = False
        if marker.max_concurrency is not None:
            self._threaded = False
            held = kind in (Kind.GENERATOR, Kind.ASYNC_GENERATOR)
            step = LimitedStep(step, _places_of(marker), held=held)
        self._steps.append(step)
        return _Node(step.slot, filled.uses_scopes)

    def _fill(
        self, function: Callable[..., Any], marker: Marker, scopes: tuple[str, ...]
    ) -> _Filled:
        """Find out where the arguments of a dependency come from."""
        getters: dict[str, Getter] = {}
        read: list[TypedParameter] = []
        uses_scopes = False
        parameters = parameters_of(function)
        for typed in parameters:
            inner = marker_of(typed)
            if inner is not None:
                node = self._node(inner, scopes)
                uses_scopes |= node.uses_scopes
                getters[typed.name] = itemgetter(node.slot)
                continue
            uses_scopes |= _is_class(typed.annotation, is_scopes)
            slot = self._supplied_slot(typed, function, scopes)
            if slot is not None:
                getters[typed.name] = itemgetter(slot)
            elif _comes_from_request(typed, function, of_fastapi=marker.of_fastapi):
                read.append(typed)
        if read:
            getters.update(self._read(read, function))
        return _Filled(_arguments(parameters, getters), uses_scopes)

    def _supplied_slot(
        self, parameter: TypedParameter, function: Callable[..., Any], scopes: tuple[str, ...]
    ) -> int | None:
        try:
            supply = self._find(parameter, scopes)
            return None if supply is None else self._slot_of(supply)
        except TypeError as error:
            raise TypeError(
                f"the parameter {parameter.name!r} of {locate(function)}: {error}"
            ) from None

    def _read(
        self, parameters: Sequence[TypedParameter], function: Callable[..., Any]
    ) -> dict[str, Getter]:
        request = self._slot_of(request_supply(self._settings.bearer_from_auth))
        step = ReadStep(self._next(), request, fastapi_reader(parameters, function))
        self._steps.append(step)
        return {item.name: _picks(step.slot, item.name) for item in parameters}

    # -- what there is for each event --------------------------------------------------------

    def _find(self, parameter: TypedParameter, scopes: tuple[str, ...]) -> Supply | None:
        for annotated in classes_of(parameter.annotation):
            if is_request(annotated):
                return request_supply(self._settings.bearer_from_auth)
            if is_tasks(annotated):
                return tasks_supply()
            if is_scopes(annotated):
                return scopes_supply(annotated, scopes)
            if is_refused(annotated):
                raise refusal(annotated)
        return context_supply(parameter)

    def _slot_of(self, supply: Supply) -> int:
        if supply.of_client and not self._settings.has_client:
            raise TypeError("it needs a client, and this function is not called about one")
        known = self._supplied.get(supply.key)
        if known is not None:
            return known[0]
        slot = self._next()
        self._supplied[supply.key] = slot, supply.get
        return slot

    def _next(self) -> int:
        self._size += 1
        return self._size - 1


class _Node(NamedTuple):
    """A dependency in the plan: its number, and whether it depends on security scopes."""

    slot: int
    uses_scopes: bool


class _Filled(NamedTuple):
    """The arguments of a dependency, and whether one of them depends on security scopes."""

    arguments: Arguments
    uses_scopes: bool


def _comes_from_request(
    parameter: TypedParameter, function: Callable[..., Any], *, of_fastapi: bool
) -> bool:
    """True for a value of the request, False for one that keeps its default.

    Raises:
        TypeError: Nothing supplies it.
    """
    source = source_of(parameter)
    if source is ParameterSource.BODY:
        raise TypeError(
            f"the parameter {parameter.name!r} of {locate(function)} is the body of a request,"
            " which events do not have: take it as an argument of the handler"
        )
    if source is ParameterSource.CONNECTION or of_fastapi:
        return True
    if not parameter.required:
        return False
    raise TypeError(
        f"nothing supplies the parameter {parameter.name!r} of the dependency {locate(function)}:"
        " write Depends(function), annotate it with a class that events provide, such as Socket or"
        " HTTPConnection, or give it a default"
    )


def _arguments(parameters: Sequence[TypedParameter], getters: Mapping[str, Getter]) -> Arguments:
    """The arguments in the order of the parameters; by keyword behind one that is left out."""
    positional: list[Getter] = []
    keywords: dict[str, Getter] = {}
    left_out = False
    for parameter in parameters:
        get = getters.get(parameter.name)
        by_keyword = left_out and parameter.kind is not inspect.Parameter.POSITIONAL_ONLY
        if get is None:
            left_out = True
        elif by_keyword or parameter.kind is inspect.Parameter.KEYWORD_ONLY:
            keywords[parameter.name] = get
        elif left_out:
            raise TypeError(
                f"the parameter {parameter.name!r} is positional only, and one before it is not"
                " supplied"
            )
        else:
            positional.append(get)
    return Arguments(tuple(positional), keywords or None)


def _picks(slot: int, name: str) -> Getter:
    return lambda values: values[slot][name]


def _is_class(annotation: Any, test: Callable[[type], bool]) -> bool:
    return any(map(test, classes_of(annotation)))


def _name(function: Callable[..., Any]) -> str:
    return getattr(function, "__qualname__", None) or repr(function)


_places: WeakValueDictionary[int, _MarkerPlaces] = WeakValueDictionary()


class _MarkerPlaces(Places):
    """The places of a marker, which it keeps, so that its identity stays its own."""

    __slots__ = ("origin",)

    def __init__(self, count: int, origin: object) -> None:
        super().__init__(count)
        self.origin = origin


def _places_of(marker: Marker) -> Places:
    """The places for what one marker stands for, in all plans."""
    places = _places.get(id(marker.origin))
    if places is None or places.origin is not marker.origin:
        assert marker.max_concurrency is not None  # noqa: S101  # the caller has looked
        places = _places[id(marker.origin)] = _MarkerPlaces(marker.max_concurrency, marker.origin)
    return places
