"""The arguments of an event: validated one by one, and all that is wrong with them told at once."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

from ..exceptions import EventValidationError
from ..validation.errors import Problem, details_of
from .plans import Converter, HandlerParameter, Source

MISSING = "is required"


class Arguments:
    """The parameters of a function that are arguments of the event.

    Args:
        parameters: All parameters of the function, their types found out.

    Attributes:
        required: How many arguments are needed.
        maximum: How many are taken.
    """

    def __init__(self, parameters: Sequence[HandlerParameter]) -> None:
        self._positional = [each for each in parameters if each.source is Source.ARGUMENT]
        self._rest = next((each for each in parameters if each.source is Source.REST), None)
        self.required: int = sum(each.parameter.required for each in self._positional)
        self.maximum: int = sys.maxsize if self._rest is not None else len(self._positional)

    @property
    def typed(self) -> bool:
        """True when something is validated."""
        everything = (*self._positional, *((self._rest,) if self._rest else ()))
        return any(_validate(each) is not None for each in everything)

    def converter(self, *, fill: bool) -> Converter | None:
        """A function that validates the arguments of an event; None when nothing is validated.

        Args:
            fill: Whether missing optional arguments are given their defaults, because others
                follow them.
        """
        if not self.typed and not fill:
            return None
        only = self._positional[0] if len(self._positional) == 1 and self._rest is None else None
        if only is not None and only.parameter.required:
            return _one(_validate(only), self.refuse)
        if self._rest is None and self.required == len(self._positional):
            return _all_required([_validate(each) for each in self._positional], self.refuse)
        return self._converter()

    def _converter(self) -> Converter:
        steps = [
            (_validate(each), each.parameter.default, _null_is_missing(each))
            for each in self._positional
        ]
        known = len(steps)
        rest = None if self._rest is None else _validate(self._rest)
        takes_rest, refuse = self._rest is not None, self.refuse

        def convert(args: Sequence[Any]) -> Sequence[Any]:
            given = len(args)
            values: list[Any] = []
            try:
                for index, (validate, default, null_is_missing) in enumerate(steps):
                    value = args[index] if index < given else default
                    if index >= given or (value is None and null_is_missing):
                        value = default
                    elif validate is not None:
                        value = validate(value)
                    values.append(value)
                if takes_rest:
                    more = args[known:]
                    values.extend(more if rest is None else map(rest, more))
            except Exception as error:  # noqa: BLE001  # refuse() looks at it
                raise refuse(args, error) from None
            return values

        return convert

    def refuse(self, args: Sequence[Any], cause: Exception | None = None) -> EventValidationError:
        """The error of arguments that are wrong, with all that is wrong about them.

        Args:
            args: The arguments, as they came.
            cause: What one of the validators has raised.

        Raises:
            Exception: The cause, if no validator says that an argument is wrong.
        """
        try:
            problems = self._problems(args)
        except Exception:
            if cause is None:
                raise
            raise cause from None  # a mistake in a validator, told once
        if cause is not None and not problems:
            raise cause
        return EventValidationError(details_of(problems))

    def _problems(self, args: Sequence[Any]) -> list[Problem]:
        problems: list[Problem] = []
        for index, each in enumerate(self._positional):
            if index < len(args):
                problems.extend(_problems(each, args[index], (each.parameter.name,)))
            elif each.parameter.required:
                problems.append(Problem((each.parameter.name,), "missing", MISSING))
        if self._rest is not None:
            known = len(self._positional)
            for index, value in enumerate(args[known:]):
                problems.extend(_problems(self._rest, value, (self._rest.parameter.name, index)))
        return problems


def _validate(parameter: HandlerParameter) -> Callable[[Any], Any] | None:
    return None if parameter.type is None else parameter.type.validate


def _null_is_missing(parameter: HandlerParameter) -> bool:
    """True when JavaScript's ``undefined``, which arrives as null, means the default."""
    known = parameter.type
    return not parameter.parameter.required and known is not None and not known.admits_none


def _problems(
    parameter: HandlerParameter, value: Any, place: tuple[str | int, ...]
) -> Sequence[Problem]:
    known = parameter.type
    if known is None or known.validate is None or (value is None and _null_is_missing(parameter)):
        return ()
    try:
        known.validate(value)
    except Exception as error:
        problems = known.problems(error)
        if problems is None:
            raise
        return [problem.below(*place) for problem in problems]
    return ()


Refuse = Callable[[Sequence[Any], Exception | None], EventValidationError]


def _one(validate: Callable[[Any], Any] | None, refuse: Refuse) -> Converter | None:
    """The way of nearly all events that are validated: one argument, which must be there."""
    if validate is None:
        return None

    def convert(args: Sequence[Any]) -> Sequence[Any]:
        try:
            return (validate(args[0]),)
        except Exception as error:  # noqa: BLE001  # refuse() looks at it
            raise refuse(args, error) from None

    return convert


def _all_required(validators: Sequence[Callable[[Any], Any] | None], refuse: Refuse) -> Converter:
    def convert(args: Sequence[Any]) -> Sequence[Any]:
        try:
            return [
                value if validate is None else validate(value)
                for validate, value in zip(validators, args, strict=False)
            ]
        except Exception as error:  # noqa: BLE001  # refuse() looks at it
            raise refuse(args, error) from None

    return convert
