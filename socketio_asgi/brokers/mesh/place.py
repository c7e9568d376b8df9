"""The folder in which the workers of one start find one another, and nobody else.

It is named, by the application or by an environment variable, or follows from what the workers have
in common: the listening socket that the process which started them has bound, and that process
itself. Its id alone is not enough, because everything that a service manager starts has the same
parent; nor is the address, because a port can be bound several times.
"""

from __future__ import annotations

import hashlib
import os
import socket
import stat
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ENVIRONMENT_VARIABLE = "SOCKETIO_ASGI_WORKERS"
"""Names the folder, for a program that starts workers itself."""

_DESCRIPTORS = Path("/dev/fd")


class PlaceError(Exception):
    """The folder cannot be used; the message says why."""


def find_place(
    path: str | os.PathLike[str] | None, environment: Mapping[str, str], part: str = ""
) -> Path | None:
    """The folder of the workers that this process belongs to.

    Args:
        path: The one that the application names, if it does.
        environment: The environment variables.
        part: The name of one of several servers within each worker, which have nothing to do with
            one another; each has a folder.

    Returns:
        The folder, which may not exist yet; None when this process has no siblings.
    """
    named = path or environment.get(ENVIRONMENT_VARIABLE)
    if named:
        return Path(named).absolute() / part
    listening = sorted(_inherited())
    if not listening:
        return None
    common = "\n".join([*listening, str(os.getppid()), *([part] if part else [])])
    key = hashlib.sha256(common.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    base = environment.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    return Path(base).absolute() / f"socketio-asgi-{os.getuid()}" / key


def _inherited() -> Iterator[str]:
    """A text for each bound socket of this process that its parent has as well."""
    theirs = _sockets_of(os.getppid())
    for number in _numbers(_DESCRIPTORS):
        try:
            inode = os.fstat(number)
            if not stat.S_ISSOCK(inode.st_mode):
                continue
            if theirs is None or inode.st_ino in theirs:
                with socket.socket(fileno=os.dup(number)) as sock:
                    if _listens(sock):
                        yield f"{inode.st_ino} {sock.getsockname()!r}"
        except OSError:
            continue  # the number of the folder's own descriptor, or a socket of another kind


def _listens(sock: socket.socket) -> bool:
    """True if a socket is bound and not connected; whether it listens may be up to the worker."""
    if sock.type != socket.SOCK_STREAM:
        return False
    if sock.family not in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX):
        return False
    try:
        sock.getpeername()
    except OSError:
        name: Any = sock.getsockname()
        return bool(name if sock.family == socket.AF_UNIX else name[1])
    return False


def _sockets_of(process: int) -> set[int] | None:
    """The inodes of the sockets of another process; None when the system does not tell."""
    folder = Path(f"/proc/{process}/fd")
    found: set[int] = set()
    try:
        for entry in folder.iterdir():
            target = os.readlink(entry)  # noqa: PTH115  # no path, but a description
            if target.startswith("socket:["):
                found.add(int(target[8:-1]))
    except OSError:
        return None
    return found


def _numbers(folder: Path) -> list[int]:
    try:
        return [int(entry.name) for entry in folder.iterdir() if entry.name.isdecimal()]
    except OSError:
        return []


def prepare(place: Path) -> None:
    """Make the folder, if it is not there, and check that nobody else can use it.

    Raises:
        PlaceError: It belongs to somebody else, others may enter it, or it is no folder.
    """
    try:
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if place.parent.name == f"socketio-asgi-{os.getuid()}":
            _check_own(place.parent)
        place.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise PlaceError(f"the folder of the workers cannot be made: {error}") from error
    _check_own(place)


def _check_own(folder: Path) -> None:
    # Not of what a link leads to: whoever made the link could change it.
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise PlaceError(f"{folder} is no folder; the workers need one of their own there")
    if found.st_uid != os.geteuid():
        raise PlaceError(
            f"{folder} belongs to the user {found.st_uid}, and the workers run as {os.geteuid()}"
        )
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise PlaceError(f"others may use {folder}; its mode has to be 0700")
