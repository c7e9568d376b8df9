"""The command ``socketio-asgi``.

Exit status: 0 when it did what it was told (a server was ended with Ctrl-C), 1 when it could not,
2 when the command line is wrong.

The command line needs click, which is a part of ``socketio-asgi[standard]``. So nothing but
:func:`main` is imported before that is known to be there.
"""

from .entry import main

__all__ = ["main"]
