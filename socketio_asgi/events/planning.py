"""The planner: from a function of the application to the plan of its calls, at its registration.

Source: https://socket.io/docs/v4/listening-to-events/ for events and acknowledgements; the rules
on signatures are this project's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, get_args

from ..runtime.callables import is_async
from ..validation.annotations import EMPTY, TypedSignature, Unresolved
from ..validation.types import Preference, ValueType, value_type
from .answers import Answer, values_writer
from .arguments import Arguments
from .context import Provided, getter_for
from .dependencies.solver import DependencySolver
from .markers import MarkedParameter, MarkerSolver
from .parameters import ANSWERING, TAKING_ACK, WITH_SOCKET, classify, unresolved
from .plans import (
    Assemble,
    Dependencies,
    Handler,
    HandlerCall,
    HandlerKind,
    HandlerParameter,
    Registration,
    Source,
)
from .signatures import check_signature

_DECIDING = (HandlerKind.MIDDLEWARE, HandlerKind.EVENT_MIDDLEWARE)
_VALIDATED = TAKING_ACK
"""The kinds whose arguments come from outside."""


class Rules(NamedTuple):
    """The settings of a planner.

    Attributes:
        prefer: Whose rules hold for types that belong to no library.
        solver: Knows markers, such as ``Depends``.
    """

    prefer: Preference = "auto"
    solver: MarkerSolver = DependencySolver()

    def plan(self, registration: Registration) -> Handler:
        """Make the plan of a function from its signature and its annotations.

        Raises:
            TypeError: It cannot be called as a handler, or a type has no rules.
        """
        signature = registration.signature or check_signature(registration.function)
        return _Plan(registration._replace(signature=signature), signature, self).make()


DEFAULT_RULES = Rules()


def plan_handler(registration: Registration) -> Handler:
    """Make the plan of a function by the default rules; see :meth:`Rules.plan`."""
    return DEFAULT_RULES.plan(registration)


class _Plan:
    """The plan of one function, while it is made."""

    def __init__(self, registration: Registration, signature: TypedSignature, rules: Rules) -> None:
        self._registration = registration
        self._signature = signature
        self._rules = rules
        self._kind = registration.kind
        classified = classify(registration, signature, rules.solver)
        self._parameters = tuple(map(self._with_type, classified))
        self._arguments = Arguments(self._parameters)

    def make(self) -> Handler:
        function = self._registration.function
        answer, takes_socket = self._answer(), self._takes_socket()
        dependencies = self._dependencies()
        injected = dependencies is not None or self._is_injected(takes_socket)
        assemble = self._assemble() if injected else None
        convert = self._arguments.converter(fill=assemble is not None)
        reply = None if answer is None else answer.reply
        takes_ack = any(each.provided is Provided.ACK for each in self._parameters)
        asynchronous = is_async(function)
        plain = asynchronous and assemble is None
        if answer is not None and answer.errors:
            declared = (*self._registration.errors, *answer.errors)
            self._registration = self._registration._replace(errors=declared)
        return Handler(
            registration=self._registration,
            parameters=self._parameters,
            answer_types=self._ack_types() if takes_ack or answer is None else answer.types,
            is_async=asynchronous,
            takes_socket=takes_socket,
            required=self._arguments.required,
            maximum=self._arguments.maximum,
            takes_ack=takes_ack,
            answers=self._kind in (*ANSWERING, *_DECIDING) and not takes_ack,
            simple=plain and convert is None and takes_socket,
            direct=plain and not (convert is None and takes_socket),
            convert=convert,
            refuse=self._arguments.refuse,
            reply=reply,
            write_ack=self._write_ack(),
            assemble=assemble,
            dependencies=dependencies,
            function=function,
            ordered=bool(self._registration.ordered),
        )

    # -- types -------------------------------------------------------------------------------

    def _with_type(self, parameter: HandlerParameter) -> HandlerParameter:
        if parameter.source not in (Source.ARGUMENT, Source.REST) or self._kind not in _VALIDATED:
            return parameter
        named = parameter.parameter
        known = self._value_type(named.annotation, f"the parameter {named.name!r}")
        return parameter._replace(type=known)

    def _value_type(self, annotation: Any, what: str) -> ValueType:
        try:
            return value_type(annotation, self._signature.names, self._rules.prefer)
        except TypeError as error:
            raise TypeError(f"{what} of {self._registration.function!r}: {error}") from error

    def _answer(self) -> Answer | None:
        """The type of the answer; None for functions that do not answer."""
        if self._kind not in ANSWERING:
            return None
        returns, function = self._signature.returns, self._registration.function
        if isinstance(returns, Unresolved):
            raise TypeError(unresolved(function, "", returns))
        try:
            return Answer(returns, self._signature.names, self._rules.prefer)
        except TypeError as error:
            raise TypeError(f"the return annotation of {function!r}: {error}") from error

    def _ack_types(self) -> tuple[ValueType, ...] | None:
        """The types of an ``Ack[...]``; None when they are not known."""
        for each in self._parameters:
            if each.provided is Provided.ACK and each.parameter.annotation is not EMPTY:
                what = f"the parameter {each.parameter.name!r}"
                args = get_args(each.parameter.annotation)
                if args and Ellipsis not in args:
                    return tuple(self._value_type(arg, what) for arg in args if arg != ())
        return None

    def _write_ack(self) -> Any:
        types = self._ack_types()
        return None if types is None else values_writer(types)

    # -- calling -----------------------------------------------------------------------------

    def _takes_socket(self) -> bool:
        """True when the socket is the first thing that the function is given."""
        if not self._parameters:
            return False
        first = self._parameters[0]
        if first.source is Source.REST:
            return self._kind in WITH_SOCKET and first.parameter.annotation is EMPTY
        return first.provided is Provided.SOCKET and not first.parameter.keyword_only

    def _is_injected(self, takes_socket: bool) -> bool:
        """True when the parameters are more than the socket and arguments of the event."""
        others = self._parameters[1:] if takes_socket else self._parameters
        return any(each.source in (Source.PROVIDED, Source.MARKER) for each in others)

    def _dependencies(self) -> Dependencies | None:
        marked = [
            MarkedParameter(each.parameter, each.marker)
            for each in self._parameters
            if each.source is Source.MARKER
        ]
        return self._rules.solver.compile(self._registration, self._signature, marked)

    def _assemble(self) -> Assemble:
        steps = list(_steps(self._parameters, rest_has_socket=self._takes_socket()))
        by_position = [(step.pick, step.is_rest) for step in steps if step.name is None]
        by_name = [(step.name, step.pick) for step in steps if step.name is not None]

        def assemble(
            call: HandlerCall, marked: Sequence[Any]
        ) -> tuple[Sequence[Any], Mapping[str, Any]]:
            arguments: list[Any] = []
            for pick, is_rest in by_position:
                if is_rest:
                    arguments.extend(pick(call, marked))
                else:
                    arguments.append(pick(call, marked))
            return arguments, {name: pick(call, marked) for name, pick in by_name}

        return assemble


Pick = Callable[[HandlerCall, Sequence[Any]], Any]
"""Finds the value of a parameter, given the values of marked ones."""


class _Step(NamedTuple):
    """A parameter on the way of a call: its name, if it is passed by that, and its value."""

    name: str | None
    pick: Pick
    is_rest: bool = False


def _steps(parameters: Sequence[HandlerParameter], *, rest_has_socket: bool) -> Iterator[_Step]:
    argument, marker = 0, 0
    for each in parameters:
        name = each.parameter.name if each.parameter.keyword_only else None
        if each.source is Source.ARGUMENT:
            yield _Step(name, _argument(argument))
            argument += 1
        elif each.source is Source.MARKER:
            yield _Step(name, _marked(marker))
            marker += 1
        elif each.source is Source.REST:
            with_socket = rest_has_socket and each is parameters[0]
            yield _Step(name, _rest(argument, with_socket=with_socket), is_rest=True)
        elif each.provided is not None:
            yield _Step(name, _provided(each.provided, each.parameter.annotation))


def _argument(index: int) -> Pick:
    return lambda call, _marked: call.values[index]


def _marked(index: int) -> Pick:
    return lambda _call, marked: marked[index]


def _rest(index: int, *, with_socket: bool) -> Pick:
    if with_socket:
        return lambda call, _marked: (call.subject, *call.values[index:])
    return lambda call, _marked: call.values[index:]


def _provided(provided: Provided, annotation: Any) -> Pick:
    get = getter_for(provided, None if isinstance(annotation, Unresolved) else annotation)
    return lambda call, _marked: get(call)
