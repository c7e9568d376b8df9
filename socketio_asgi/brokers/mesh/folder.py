"""The files of the workers in their folder: a socket for each, a lock and a secret for all."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import stat
from itertools import islice
from pathlib import Path

SECRET_BYTES = 16

MAX_SIBLINGS = 100
"""Folders of other starts that are looked at, in case their workers were killed."""

_NODE_LENGTH = 6
_SUFFIX = ".sock"
_LOCK = ".lock"
_SECRET = ".secret"


def socket_path(place: Path, node: bytes) -> Path:
    """The socket of a worker."""
    return place / (node.hex() + _SUFFIX)


def nodes(place: Path) -> set[str]:
    """The ids of the workers whose sockets are in a folder."""
    found: set[str] = set()
    with contextlib.suppress(OSError):
        for entry in place.iterdir():
            node = entry.name.removesuffix(_SUFFIX)
            hexadecimal = len(node) == _NODE_LENGTH and set(node) <= set("0123456789abcdef")
            if hexadecimal and node != entry.name and stat.S_ISSOCK(entry.lstat().st_mode):
                found.add(node)
    return found


def lock(place: Path) -> contextlib.ExitStack | None:
    """Lock a folder until the end of the context; None when another process has done so."""
    import fcntl

    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        descriptor = os.open(place / _LOCK, flags, 0o600)
    except FileNotFoundError:  # the folder was removed
        return None
    context = contextlib.ExitStack()
    context.callback(os.close, descriptor)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(descriptor).st_ino == (place / _LOCK).stat().st_ino:
            return context
    except (BlockingIOError, FileNotFoundError):
        pass
    context.close()
    return None


def secret(place: Path) -> bytes:
    """The secret of the workers; the first one makes it, under the lock."""
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(place / _SECRET, flags, 0o600)
    try:
        found = os.read(descriptor, SECRET_BYTES)
        if len(found) != SECRET_BYTES:
            found = secrets.token_bytes(SECRET_BYTES)
            os.pwrite(descriptor, found, 0)
        return found
    finally:
        os.close(descriptor)


def remove_unused(place: Path) -> None:
    """Remove the folder, unless workers are there, or one is about to come."""
    with contextlib.suppress(OSError):
        context = lock(place)
        if context is None:
            return
        with context:
            if not nodes(place):
                for name in (_SECRET, _LOCK):
                    (place / name).unlink(missing_ok=True)
                place.rmdir()


def remove_dead_siblings(place: Path) -> None:
    """Remove the folders of starts whose workers have all been killed, so that none is left."""
    if place.parent.name != f"socketio-asgi-{os.getuid()}":
        return  # a folder that was named: what is beside it is none of ours
    with contextlib.suppress(OSError):
        for sibling in islice(place.parent.iterdir(), MAX_SIBLINGS):
            if sibling != place and not sibling.is_symlink():
                _remove_dead(sibling)
                remove_unused(sibling)


def _remove_dead(place: Path) -> None:
    for node in nodes(place):
        path = socket_path(place, bytes.fromhex(node))
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.setblocking(False)
            try:
                probe.connect(str(path))
            except ConnectionRefusedError:
                path.unlink(missing_ok=True)
            except OSError:  # it is busy
                continue
