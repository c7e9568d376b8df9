"""Problems with a value: where, of which type, and in words; never the value itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, NamedTuple

from ..exceptions import ErrorDetail

MAX_DETAILS = 20
"""Problems that one error tells: a list of a million bad items makes no answer of that size."""

MAX_TEXT = 200
"""Characters of a message, or of a key of an object, that an error shows."""

Location = tuple[str | int, ...]
"""The way to a value: names of fields, and indexes."""


class Problem(NamedTuple):
    """One problem.

    Attributes:
        loc: The way to the value.
        type: The problem in one word, for programs.
        msg: The problem in a sentence.
    """

    loc: Location
    type: str
    msg: str

    def below(self, *loc: str | int) -> Problem:
        """The same problem, seen from further outside."""
        return Problem((*loc, *self.loc), self.type, self.msg)


class Invalid(Exception):
    """A value does not fit its type.

    Args:
        problems: What is wrong with it.

    Attributes:
        problems: The same, :data:`MAX_DETAILS` at the most.
    """

    def __init__(self, *problems: Problem) -> None:
        super().__init__(problems)
        self.problems: Sequence[Problem] = problems[:MAX_DETAILS]

    def __str__(self) -> str:
        return "; ".join(in_words(problem) for problem in self.problems)


def wrong(type_: str, msg: str) -> Invalid:
    """The error of a value that is wrong as a whole."""
    return Invalid(Problem((), type_, msg))


def in_words(problem: Problem) -> str:
    """A problem as a line of text."""
    where = ".".join(map(str, problem.loc))
    return f"{where}: {problem.msg}" if where else problem.msg


def details_of(problems: Iterable[Problem]) -> list[ErrorDetail]:
    """Problems as clients are told of them, within bounds."""
    return [
        {
            "loc": [_short(step) for step in problem.loc],
            "type": problem.type,
            "msg": problem.msg[:MAX_TEXT],
        }
        for problem in islice(problems, MAX_DETAILS)
    ]


def _short(step: Any) -> str | int:
    return step if isinstance(step, int) else str(step)[:MAX_TEXT]
