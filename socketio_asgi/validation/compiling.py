"""From a type to its form: strict rules of our own, for what needs no other package.

Types that refer to themselves, such as trees, are read as deep as a packet is nested.
"""

from __future__ import annotations

import types
from collections import deque
from collections.abc import (
    Collection,
    Iterable,
    Mapping,
    MutableMapping,
    MutableSequence,
    MutableSet,
    Sequence,
)
from collections.abc import Set as AbstractSet
from dataclasses import is_dataclass
from enum import Enum
from typing import (
    Annotated,
    Any,
    ForwardRef,
    Literal,
    LiteralString,
    NewType,
    NotRequired,
    Required,
    TypeVar,
    get_args,
    get_origin,
    is_typeddict,
)

from .annotations import Names, class_hints, substitute
from .containers import dict_form, list_form, tuple_form
from .forms import ANYTHING, SCALARS, Form, enum_form, one_of, optional, union
from .libraries import is_named_tuple, is_union
from .records import Field, dataclass_fields, record_form

LIST_TYPES = (list, Sequence, MutableSequence, Collection, Iterable)
"""The types of lists in annotations; a value of any of them is a list."""

SET_TYPES: dict[Any, Any] = {set: set, AbstractSet: set, MutableSet: set, frozenset: frozenset}
"""The types of sets in annotations, and of the values of each."""

DICT_TYPES = (dict, Mapping, MutableMapping)
"""The types of dicts in annotations; a value of any of them is a dict."""


class Compiler:
    """Makes the forms of types.

    Args:
        names: Names for the annotations of classes.
    """

    def __init__(self, names: Names) -> None:
        self._names = names
        # Forms of classes whose fields are being looked at, for those that refer to themselves.
        self._begun: dict[Any, Form | None] = {}
        self._recursive = False
        self._unions: list[list[tuple[Any, Form]]] = []

    def compile(self, annotation: Any) -> Form:
        """The form of a type, all of it.

        Raises:
            TypeError: It has no rules of ours.
        """
        try:
            form = self.form(annotation)
        except RecursionError:
            raise TypeError(f"{annotation!r} never ends: give it a class that is named") from None
        if self._recursive:
            for members in self._unions:
                self._check_union(members)
        return form

    def form(self, annotation: Any) -> Form:
        """The form of a part of a type.

        Raises:
            TypeError: It has no rules of ours.
        """
        found = self._simple(annotation)
        if found is not None:
            return found
        origin = get_origin(annotation)
        if origin is None:
            return self._of_class(annotation, annotation, {})
        return self._generic(annotation, origin, get_args(annotation))

    def _simple(self, annotation: Any) -> Form | None:
        """The form of something that has no type arguments."""
        if isinstance(annotation, ForwardRef | str):
            raise TypeError(f"{annotation!r} cannot be evaluated: name the type itself")
        if annotation is LiteralString:
            return SCALARS[str]
        if isinstance(annotation, NewType):
            return self.form(annotation.__supertype__)
        if isinstance(annotation, TypeVar):
            raise TypeError(
                f"the type variable {annotation} would take anything: name a type, or give it one"
                " in the bases of the class"
            )
        if type(annotation).__name__ == "TypeAliasType":
            return self.form(annotation.__value__)
        try:
            return SCALARS.get(annotation)
        except TypeError:  # not hashable
            return None

    def _generic(self, annotation: Any, origin: Any, args: tuple[Any, ...]) -> Form:
        if origin in (Annotated, Required, NotRequired) or _is_read_only(origin):
            return self.form(args[0])
        if origin is Literal:
            return one_of(args)
        if is_union(origin):
            return self._union(args)
        if type(origin).__name__ == "TypeAliasType":
            return self.form(origin.__value__[args])
        if origin is tuple:
            return self._tuple(args)
        if origin in DICT_TYPES:
            return dict_form(self.form(args[0]), self.form(args[1]))
        if origin in LIST_TYPES or origin in SET_TYPES or origin is deque:
            return self._collection(origin, self.form(args[0]))
        variables = getattr(origin, "__parameters__", ())
        return self._of_class(annotation, origin, dict(zip(variables, args, strict=False)))

    def _union(self, args: tuple[Any, ...]) -> Form:
        others = [self.form(each) for each in args if each is not types.NoneType]
        members = [each for each in args if each is not types.NoneType]
        self._unions.append(list(zip(members, others, strict=True)))
        form = others[0] if len(others) == 1 else union(others)
        return form if len(others) == len(args) else optional(form)

    def _check_union(self, members: Sequence[tuple[Any, Form]]) -> None:
        """Check that the members of a union, which may contain themselves, are told apart at once.

        To try two of them on each level would be 2**n times on n levels.

        Raises:
            TypeError: They are not.
        """
        forms = [self._final(annotation, form) for annotation, form in members]
        for shape in ("array", "object"):
            alike = [form for form in forms if form.shape == shape and form.fits is None]
            if len(alike) > 1:
                raise TypeError(
                    f"{alike[0].name} and {alike[1].name} cannot be told apart, and contain"
                    ' themselves: give each a field such as kind: Literal["..."]'
                )

    def _final(self, annotation: Any, form: Form) -> Form:
        """The form of a type, when all are known."""
        try:
            return self._begun.get(annotation) or form
        except TypeError:  # metadata that has no hash
            return form

    def _tuple(self, args: tuple[Any, ...]) -> Form:
        if len(args) == 2 and args[1] is Ellipsis:
            return list_form(self.form(args[0]), tuple)
        return tuple_form([self.form(each) for each in args])

    @staticmethod
    def _collection(origin: Any, item: Form) -> Form:
        if origin in SET_TYPES:
            return list_form(item, SET_TYPES[origin], "a list of different items")
        return list_form(item, deque if origin is deque else list)

    def _of_class(self, annotation: Any, cls: Any, variables: Mapping[Any, Any]) -> Form:
        """The form of a class."""
        if cls in DICT_TYPES:
            return dict_form(SCALARS[str], ANYTHING)
        if cls in LIST_TYPES or cls in SET_TYPES or cls is deque:
            return self._collection(cls, ANYTHING)
        if cls is tuple:
            return list_form(ANYTHING, tuple)
        if _is_enum(cls):
            return enum_form(cls)
        if is_dataclass(cls) or is_typeddict(cls) or is_named_tuple(cls):
            return self._of_record(annotation, cls, variables)
        raise TypeError(
            f"{annotation!r} has no form of its own on the wire: use builtins, dataclasses,"
            " TypedDict or enums, or types of pydantic or msgspec; what clients do not send is"
            " given by Depends(...)"
        )

    # -- records -----------------------------------------------------------------------------

    def _of_record(self, annotation: Any, cls: Any, variables: Mapping[Any, Any]) -> Form:
        if annotation in self._begun:
            return self._begun[annotation] or self._later(annotation)
        self._begun[annotation] = None
        form = self._begun[annotation] = self._record(cls, variables)
        return form

    def _later(self, annotation: Any) -> Form:
        """The form of a class inside of itself."""
        begun = self._begun
        self._recursive = True

        def read(value: Any) -> Any:
            form = begun[annotation]
            return value if form is None or form.read is None else form.read(value)

        def write(value: Any) -> Any:
            form = begun[annotation]
            return value if form is None or form.write is None else form.write(value)

        def fits(value: Any) -> bool:
            form = begun[annotation]
            return form is None or form.fits is None or form.fits(value)

        return Form("an object", read, write, deep=True, shape="object", fits=fits)

    def _record(self, cls: Any, variables: Mapping[Any, Any]) -> Form:
        hints = class_hints(cls, self._names)
        forms = {name: self.form(substitute(hint, variables)) for name, hint in hints.items()}
        if is_named_tuple(cls):
            defaults = cls._field_defaults
            items = [forms.get(name, ANYTHING) for name in cls._fields]
            return tuple_form(items, lambda made: cls(*made), len(items) - len(defaults))
        if is_typeddict(cls):
            fields = [
                Field(name, form, is_required_key(cls, name, hints[name]))
                for name, form in forms.items()
            ]
            return record_form(cls, fields, None)
        fields = [Field(name, forms[name], needed) for name, needed in dataclass_fields(cls)]
        return record_form(cls, fields, cls)


def is_required_key(cls: Any, name: str, hint: Any) -> bool:
    """True when a key of a typed dictionary must be there."""
    origin = get_origin(hint)
    while origin is Annotated or _is_read_only(origin):
        hint = get_args(hint)[0]
        origin = get_origin(hint)
    if origin in (Required, NotRequired):
        return origin is Required
    return name in cls.__required_keys__


def _is_enum(cls: Any) -> bool:
    return isinstance(cls, type) and issubclass(cls, Enum)


def _is_read_only(origin: Any) -> bool:
    return getattr(origin, "_name", None) == "ReadOnly"
