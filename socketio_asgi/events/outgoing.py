"""The values of declared events on their way out, and what clients acknowledge them with."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, get_args, get_origin

from ..exceptions import InvalidAck
from ..validation.annotations import EMPTY, Names, Unresolved
from ..validation.errors import Problem, details_of, in_words
from ..validation.types import ValueType, value_type

_Kinds = inspect.Parameter


class OutgoingArgument(NamedTuple):
    """A parameter of an event.

    Attributes:
        name: Its name.
        type: Its type.
        default: Its default; :data:`~socketio_asgi.validation.annotations.EMPTY` if it has none.
        kind: Its kind, one of those of :class:`inspect.Parameter`.
    """

    name: str
    type: ValueType
    default: Any = EMPTY
    kind: Any = _Kinds.POSITIONAL_ONLY

    @property
    def rest(self) -> bool:
        """True when it takes all further values."""
        return self.kind is _Kinds.VAR_POSITIONAL


def type_of(annotation: Any, names: Names, where: str) -> ValueType:
    """The type of a value of an event.

    Raises:
        TypeError: It cannot be evaluated, or there are no rules for it.
    """
    if isinstance(annotation, Unresolved):
        raise TypeError(
            f"the annotation {annotation.text!r} of the event {where} cannot be evaluated:"
            f" {annotation.error}; import what it names at run time, not only for type checkers"
        )
    if isinstance(annotation, str):
        raise TypeError(f"give the event {where} the type itself, not {annotation!r}")
    try:
        return value_type(annotation, names)
    except TypeError as error:
        raise TypeError(f"the event {where} cannot have this type: {error}") from error


class Reply:
    """The acknowledgement by a client.

    Args:
        name: The name of the event.
        annotation: Its type; a tuple is several values, None is none.
        names: Names for the annotations of classes in it.

    Attributes:
        types: The types of its values.
    """

    def __init__(self, name: str, annotation: Any, names: Names) -> None:
        parts = get_args(annotation) if get_origin(annotation) is tuple else ()
        self._several = bool(parts) and Ellipsis not in parts
        if annotation is None or annotation is type(None):
            each: Sequence[Any] = ()
        else:
            each = parts if self._several else (annotation,)
        where = f"{name!r}, acknowledgement,"
        self.types: tuple[ValueType, ...] = tuple(type_of(part, names, where) for part in each)
        self._name = name

    def read(self, values: Sequence[Any]) -> Any:
        """Make the result of the values that a client has sent.

        Raises:
            InvalidAck: They do not fit.
        """
        result: list[Any] = []
        problems: list[Problem] = []
        for number, known in enumerate(self.types):
            if number >= len(values) and not known.admits_none:
                problems.append(Problem((number,), "missing", "is required"))
                continue
            value = values[number] if number < len(values) else None
            try:
                result.append(value if known.validate is None else known.validate(value))
            except Exception as error:
                found = known.problems(error)
                if found is None:
                    raise
                problems += [problem.below(number) for problem in found]
        if problems:
            raise InvalidAck(self._name, details_of(problems))
        if self._several:
            return tuple(result)
        return result[0] if result else None


class Outgoing:
    """The inside of an event: its values on their way out.

    Args:
        name: The name of the event.
        arguments: Its parameters.
        reply: The acknowledgement by clients; None when there is none.
        names: Names for the annotations of classes in its types.

    Attributes:
        name: The same.
        arguments: The same.
        reply: The same.
        names: The same.
    """

    __slots__ = ("_signature", "_simple", "_writers", "arguments", "name", "names", "reply")

    def __init__(
        self,
        name: str,
        arguments: Sequence[OutgoingArgument],
        reply: Reply | None,
        names: Names,
    ) -> None:
        self.name: str = name
        self.arguments: Sequence[OutgoingArgument] = arguments
        self.reply: Reply | None = reply
        self.names: Names = names
        self._simple = not any(each.rest for each in arguments)
        self._writers = [each.type.serialize for each in arguments]
        self._signature = inspect.Signature(
            [_Kinds(each.name, each.kind, default=each.default) for each in arguments]
        )

    def write(self, args: Sequence[Any], options: Mapping[str, Any]) -> list[Any]:
        """The values of the event as they are sent.

        Args:
            args: Its values, by position.
            options: Its values, by the names of the parameters.

        Raises:
            TypeError: They do not fit.
        """
        if options or not self._simple or len(args) != len(self._writers):
            args = self._positions(args, options)
        values = list(args)
        last = len(self._writers) - 1
        for number, value in enumerate(values):
            serialize = self._writers[min(number, last)]
            if serialize is not None:
                try:
                    values[number] = serialize(value)
                except Exception as error:  # only that of the type is caught
                    raise self._unfit(number, error) from error
        return values

    def check(self, values: Sequence[Any]) -> None:
        """Check values as clients get them, in plain types.

        Raises:
            TypeError: They do not fit the types.
        """
        for number, value in enumerate(values):
            known = self._argument(number).type
            # What pydantic writes is valid, and may be more than it would read.
            if known.validate is None or known.library == "pydantic":
                continue
            try:
                known.validate(value)
            except Exception as error:  # only that of the type is caught
                raise self._unfit(number, error) from error

    def _positions(self, args: Sequence[Any], options: Mapping[str, Any]) -> Sequence[Any]:
        """The values by position.

        Defaults at the end that were not given are left out, unless an acknowledgement comes behind
        them: clients find that by its position.
        """
        try:
            given = self._signature.bind(*args, **options).arguments
        except TypeError as error:
            raise TypeError(f"the event {self.name!r}: {error}") from None
        last = max((i for i, each in enumerate(self.arguments) if each.name in given), default=-1)
        if self.reply is not None:
            last = len(self.arguments) - 1
        values: list[Any] = []
        for each in self.arguments[: last + 1]:
            if each.rest:
                values.extend(given.get(each.name, ()))
            else:
                values.append(given.get(each.name, each.default))
        return values

    def _argument(self, number: int) -> OutgoingArgument:
        return self.arguments[min(number, len(self.arguments) - 1)]

    def _unfit(self, number: int, error: Exception) -> Exception:
        argument = self._argument(number)
        problems = argument.type.problems(error)
        if problems is None:
            return error
        texts = (in_words(problem.below(argument.name)) for problem in problems)
        return TypeError(f"the event {self.name!r} cannot be sent: {'; '.join(texts)}")
