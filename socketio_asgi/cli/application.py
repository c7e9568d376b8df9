"""Finding the application that a command names, and saying what is wrong with the name.

A mistake of the person who typed it is told in one line. The same goes for the application's own
mistakes: the line says where in its files.
"""

from __future__ import annotations

import importlib
import inspect
import sys
import traceback
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import Any

import click

from ..checks import shown
from .errors import CommandError


def check_name(_ctx: click.Context, _param: click.Parameter, value: str) -> str:
    """Check that an application is named as ``MODULE:NAME``.

    Raises:
        click.BadParameter: It is not.
    """
    module, _, attribute = value.partition(":")
    if module.endswith(".py") or "/" in module:
        dotted = module.removesuffix(".py").strip("./").replace("/", ".")
        raise click.BadParameter(f"{module} is a file: write {dotted}:{attribute or 'app'}")
    if not module or not attribute:
        raise click.BadParameter(
            f"{value!r} has to name a module and the application in it, such as main:app"
        )
    return value


def load_application(name: str, folder: Path, *, factory: bool = False) -> Any:
    """Import an application.

    Args:
        name: Its module, and its name there: ``main:app``.
        folder: The folder to import from.
        factory: Whether it is a function that makes the application.

    Raises:
        CommandError: There is none, it is no ASGI application, or its own code raised.
    """
    found = import_object(name, folder, factory=factory)
    problem = _what_is_wrong(found, name, factory=factory)
    if problem:
        raise CommandError(problem)
    return found


def import_object(name: str, folder: Path, *, factory: bool = False) -> Any:
    """Import what ``MODULE:NAME`` names.

    Args:
        name: The name.
        folder: The folder to import from.
        factory: Whether it is a function, which is called.

    Raises:
        CommandError: It is not there, or the code of the module raised.
    """
    module_name, _, path = name.partition(":")
    module = _import_module(module_name, folder)
    found: Any = module
    for attribute in path.split("."):
        try:
            found = getattr(found, attribute)
        except AttributeError as error:
            raise CommandError(_no_such_name(module, path)) from error
    if not factory:
        return found
    if not callable(found):
        raise CommandError(f"{name} is no function to make an application: {shown(found)}")
    return _guarded(found, f"calling {name}()", folder)


def server_names(module: str, kind: type[Any]) -> list[str]:
    """The names in a module of which there are objects of a class.

    Args:
        module: The name of the module, which was imported.
        kind: The class.
    """
    names = vars(sys.modules[module])
    return [name for name, value in names.items() if isinstance(value, kind)]


def _import_module(name: str, folder: Path) -> ModuleType:
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    importlib.invalidate_caches()

    def importing() -> ModuleType:
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            missing = error.name or ""
            if name != missing and not name.startswith(missing + "."):
                raise  # a mistake within the application
            raise CommandError(
                f"there is no module {missing} in {folder}; --app-dir names the folder to look in"
            ) from error

    module: ModuleType = _guarded(importing, f"importing {name}", folder)
    return module


def _guarded(function: Callable[[], Any], doing: str, folder: Path) -> Any:
    """Call a function of the application.

    Raises:
        CommandError: It raised; the message says what and where.
    """
    try:
        return function()
    except CommandError:
        raise
    except (Exception, SystemExit) as error:
        text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise CommandError(f"{doing} failed: {text}{_place_of(error, folder)}") from error


def _place_of(error: BaseException, folder: Path) -> str:
    """The line of the application where an error came from; the last of its own, if any is."""
    if isinstance(error, SyntaxError):  # its text says so
        return ""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(folder)]
    outside = [
        frame
        for frame in frames
        if "importlib" not in frame.filename
        and not Path(frame.filename).is_relative_to(Path(__file__).parent)
    ]
    for frame in (own or outside)[-1:]:
        return f" ({frame.filename}, line {frame.lineno})"
    return ""


def _no_such_name(module: ModuleType, path: str) -> str:
    applications = [
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and not inspect.isroutine(value)
        and not _what_is_wrong(value, name, factory=False)
    ]
    near = get_close_matches(path, applications, 1)
    if near:
        return f"{module.__name__} has no {path}; did you mean {module.__name__}:{near[0]}?"
    listed = f"; its applications are {', '.join(applications)}" if applications else ""
    return f"{module.__name__} has no {path}{listed}"


def _what_is_wrong(app: object, name: str, *, factory: bool) -> str:
    """The reason why something is no ASGI application; empty if it is one."""
    if inspect.isclass(app):
        made = f"{name} returned a class" if factory else f"{name} is a class"
        return f"{made}: an instance of {app.__name__} serves requests"
    if not callable(app):
        return f"{name} is no ASGI application: {shown(app)}"
    try:
        inspect.signature(app).bind(None, None, None)
    except TypeError:
        hint = "" if factory else "; if it makes the application, add --factory"
        return f"{name} is no ASGI application, which takes scope, receive and send{hint}"
    except ValueError:  # of a callable without a signature
        return ""
    return ""
