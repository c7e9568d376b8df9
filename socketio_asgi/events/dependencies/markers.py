"""Markers, by which a parameter names a dependency.

FastAPI has markers of its own. They are found through the modules that are loaded, so that nothing
of FastAPI is needed here: an application that uses them has loaded it.

Source: https://fastapi.tiangolo.com/tutorial/dependencies/
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, NamedTuple, get_args, get_origin

from ...validation.annotations import TypedParameter
from ..markers import unaliased


@dataclass(frozen=True, eq=False)
class Depends:
    """Marks a parameter whose value is what another function returns or yields.

    FastAPI's own ``Depends`` and ``Security`` do the same; this one is for applications of other
    frameworks.

    Args:
        dependency: The function, which may have dependencies itself: ``async`` or plain; with
            ``yield``, what follows it runs when the event has ended, before it is acknowledged.
            Without one, it is the class that the parameter is annotated with.
        use_cache: Whether it is called once for an event, however many parameters depend on it.

    Raises:
        TypeError: The dependency cannot be called.

    Attributes:
        dependency: The same.
        use_cache: The same.

    Example:
        ```python
        async def get_session() -> AsyncGenerator[AsyncSession]:
            async with Session.begin() as session:
                yield session


        DatabaseSession = Annotated[AsyncSession, Depends(get_session)]


        @io.on("add")
        async def add(socket: Socket, text: str, session: DatabaseSession) -> None:
            session.add(Note(text=text))
        ```
    """

    dependency: Callable[..., Any] | None = None
    use_cache: bool = True

    def __post_init__(self) -> None:
        if self.dependency is not None and not callable(self.dependency):  # pyright: ignore[reportUnnecessaryComparison]
            raise TypeError(f"Depends takes a function, not {self.dependency!r}")


class Marker(NamedTuple):
    """A marker in a uniform shape.

    Attributes:
        function: The dependency.
        use_cache: Whether its value is shared by all that depend on it, for one event.
        scopes: The OAuth scopes that it requires, beside those around it.
        max_concurrency: Calls of it, over all events, that may be in use at a time; None is any
            number.
        of_fastapi: Whether the parameters of the dependency that have no marker come from the
            request, as with FastAPI.
        origin: The marker itself.
    """

    function: Callable[..., Any]
    use_cache: bool
    scopes: tuple[str, ...]
    max_concurrency: int | None
    of_fastapi: bool
    origin: object


class ParameterSource(Enum):
    """The place where FastAPI takes a parameter from."""

    CONNECTION = "connection"
    """Its headers, its cookies, the query or the path of its URL."""
    BODY = "body"
    """The body of a request, which events do not have."""


def marker_of(parameter: TypedParameter) -> Marker | None:
    """The dependency that a parameter names, in ``Annotated`` or as its default.

    Args:
        parameter: The parameter.

    Raises:
        TypeError: There are two markers, or one without a function.
    """
    found = [item for item in _metadata(parameter.annotation) if _is_depends(item)]
    if _is_depends(parameter.default):
        if found:
            raise TypeError(
                f"the parameter {parameter.name!r} has two dependencies, one in Annotated and one"
                " as its default"
            )
        found = [parameter.default]
    return _uniform(found[-1], parameter) if found else None


def uniform_marker(value: object) -> Marker:
    """A marker that stands in a list, such as ``dependencies=[Depends(check)]``.

    Raises:
        TypeError: It is no marker, or has no function.
    """
    if not _is_depends(value):
        raise TypeError(f"dependencies are written Depends(function), not {value!r}")
    return _uniform(value, None)


def check_dependencies(dependencies: Sequence[object]) -> tuple[object, ...]:
    """Check what is given as ``dependencies=[…]``.

    Raises:
        TypeError: One of them is no marker with a function.
    """
    if isinstance(dependencies, str) or not isinstance(dependencies, Sequence):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"dependencies are a list of Depends(function), not {dependencies!r}")
    for dependency in dependencies:
        uniform_marker(dependency)
    return tuple(dependencies)


def source_of(parameter: TypedParameter) -> ParameterSource | None:
    """The place that a marker of FastAPI tells for a parameter; None without such a marker."""
    module = sys.modules.get("fastapi.params")
    if module is None:
        return None
    for item in (*_metadata(parameter.annotation), parameter.default):
        if isinstance(item, module.Body):  # forms and files are bodies as well
            return ParameterSource.BODY
        if isinstance(item, module.Param):
            return ParameterSource.CONNECTION
    return None


def is_marker(value: object) -> bool:
    """True for a marker of any kind: a default, or a part of ``Annotated``."""
    if _is_depends(value):
        return True
    module = sys.modules.get("fastapi.params")
    return module is not None and isinstance(value, module.Param | module.Body)


def bare(annotation: Any) -> Any:
    """An annotation without what ``Annotated`` adds, and without an alias around it."""
    annotation = unaliased(annotation)
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def _metadata(annotation: Any) -> Iterator[Any]:
    annotation = unaliased(annotation)
    if get_origin(annotation) is Annotated:
        yield from get_args(annotation)[1:]


def _is_depends(value: object) -> bool:
    if isinstance(value, Depends):
        return True
    module = sys.modules.get("fastapi.params")
    return module is not None and isinstance(value, module.Depends)


def _uniform(value: Any, parameter: TypedParameter | None) -> Marker:
    function = value.dependency
    if function is None:
        function = None if parameter is None else bare(parameter.annotation)
        if not isinstance(function, type) or function is inspect.Parameter.empty:
            name = "" if parameter is None else f" of the parameter {parameter.name!r}"
            raise TypeError(
                f"Depends(){name} has no function, and no class is annotated to be used instead"
            )
    scopes: Sequence[str] = getattr(value, "scopes", None) or ()
    return Marker(
        function=function,
        use_cache=value.use_cache,
        scopes=tuple(scopes),
        max_concurrency=getattr(value, "max_concurrency", None),
        of_fastapi=not isinstance(value, Depends),
        origin=value,
    )
