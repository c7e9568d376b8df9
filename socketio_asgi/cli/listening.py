"""The sockets to listen on, made before anything is said, so that what is said is true."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from .errors import CommandError

UNIX_MODE = 0o666
"""The mode of a Unix socket, which a proxy that runs as another user can connect to."""


def listen(host: str, port: int) -> socket.socket:
    """Listen on an address.

    Raises:
        CommandError: That is not possible.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named, without which asyncio leaves Nagle's algorithm in place: small answers
    # would wait for the client's delayed acknowledgement.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen()
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            reason = f"port {port} on {host} is in use; choose another one with --port"
        elif error.errno == errno.EACCES:
            reason = f"port {port} is not allowed for this user; choose another one with --port"
        else:
            reason = f"cannot listen on --host {host}, --port {port}: {error.strerror}"
        raise CommandError(reason) from error
    return listener


def url_of(host: str, listener: socket.socket, scheme: str = "http") -> str:
    """The address to type into a browser."""
    reachable = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104
    shown = reachable.get(host, f"[{host}]" if ":" in host else host)
    return f"{scheme}://{shown}:{listener.getsockname()[1]}"


def adopt(descriptor: int) -> socket.socket:
    """Take a socket that the process was started with, as by systemd.

    Raises:
        CommandError: There is none of that number.
    """
    try:
        return socket.socket(fileno=descriptor)
    except OSError as error:
        raise CommandError(
            f"--fd {descriptor}: the process was started without such a socket ({error.strerror})"
        ) from error


@contextmanager
def unix_listener(path: Path) -> Generator[socket.socket]:
    """Listen on a Unix socket, whose file is there as long as the context.

    The file of a server that was killed is replaced, and that of one that listens is not.

    Raises:
        CommandError: It cannot be made.
    """
    if not hasattr(socket, "AF_UNIX"):
        raise CommandError("--uds: this platform has no Unix sockets")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        _bind(listener, path)
        try:
            yield listener
        finally:
            path.unlink(missing_ok=True)


def _bind(listener: socket.socket, path: Path) -> None:
    if _is_left_over(path):
        path.unlink(missing_ok=True)
    try:
        listener.bind(str(path))
    except OSError as error:
        in_use = error.errno == errno.EADDRINUSE
        reason = "is in use; choose another one" if in_use else f"cannot be made: {error.strerror}"
        raise CommandError(f"--uds: {path} {reason}") from error
    # Before it listens, nobody can connect.
    os.chmod(path, UNIX_MODE)  # noqa: PTH101  # the owner may not be the one who connects
    listener.listen()


def _is_left_over(path: Path) -> bool:
    """True for the socket of a server that is no more."""
    with contextlib.suppress(OSError):
        if stat.S_ISSOCK(path.lstat().st_mode):
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
                return probe.connect_ex(str(path)) == errno.ECONNREFUSED
    return False
