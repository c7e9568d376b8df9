"""Which Python objects exist because of the connections, and whose they are.

Strategy. What the garbage collector knows, and what that refers to, is everything that Python can
see. What is there in the end and was not there in the beginning came with the connections. An
object of a class that is named below belongs to the row of its class; anything else, such as a
dictionary or bytes, to the row of the first object that leads to it.
"""

from __future__ import annotations

import gc
import sys
from array import array
from collections import Counter, deque

OURS = "socketio_asgi."
TABLES = "tables of the server"
ROWS: dict[str, tuple[str, ...]] = {
    "request: headers, query, handshake": (
        f"{OURS}engine.http.request.",
        f"{OURS}engine.handshake.",
        "starlette.",
    ),
    "Socket.IO connection": (f"{OURS}server.client_connection.", f"{OURS}protocol."),
    "Socket.IO socket": (f"{OURS}server.", f"{OURS}events.", f"{OURS}adapters."),
    "Engine.IO session": (f"{OURS}engine.session.", f"{OURS}engine.transports.outbox."),
    "Engine.IO transport": (f"{OURS}engine.",),
    "WebSocket and HTTP of the ASGI server": (
        *(f"{OURS}uvicorn_protocols.", f"{OURS}websocket."),
        *("uvicorn.", "websockets.", "httptools."),
    ),
    "tasks, coroutines and futures": (
        *("_asyncio.", "asyncio.", "anyio.", "builtins.coroutine", "builtins.async_generator"),
    ),
    "context variables": ("_contextvars.", "builtins.Context", "builtins.hamt"),
    "event loop": ("uvloop.", "socket.", "_socket."),
}


class HeapProfile:
    """Begins with what there is."""

    __slots__ = ("_found", "_known", "_sizes")

    def __init__(self) -> None:
        gc.collect()
        found = everything()
        # Held, so that nothing new gets the address of something that has gone.
        self._found = found
        self._known = array("Q", map(id, found))
        self._sizes = array("Q", map(sys.getsizeof, found))

    def count(self) -> dict[str, int]:
        """Bytes that were added, by row."""
        gc.collect()
        found = everything()
        own = (self, self._found, self._known, self._sizes)
        known = {*self._known, *map(id, own)}
        new = {id(each): each for each in found if id(each) not in known}
        sizes: Counter[str] = Counter()
        for number, row in _owners(new).items():
            sizes[row] += sys.getsizeof(new[number])
        # What was there before has grown: dictionaries of sessions, queues of deadlines.
        sizes[TABLES] += sum(map(sys.getsizeof, self._found)) - sum(self._sizes)
        return {row: sizes[row] for row in (*ROWS, TABLES) if sizes[row]}


def everything() -> list[object]:
    """All objects that Python can see."""
    found = gc.get_objects()
    seen = set(map(id, found))
    latest = found
    while latest:
        referents = gc.get_referents(*latest)
        latest = []
        for each in referents:  # a comprehension might lead to the set, by a cell of Python 3.11
            if id(each) not in seen:
                seen.add(id(each))
                latest.append(each)
        found.extend(latest)
    return found


def _owners(new: dict[int, object]) -> dict[int, str]:
    """The row of each object."""
    rows = list(ROWS)
    named = {number: row for number, each in new.items() if (row := _row(type(each)))}
    owners = dict(sorted(named.items(), key=lambda item: rows.index(item[1])))
    queue = deque(owners)
    while queue:
        number = queue.popleft()
        for referent in gc.get_referents(new[number]):
            if id(referent) in new and id(referent) not in owners:
                owners[id(referent)] = owners[number]
                queue.append(id(referent))
    return dict.fromkeys(new, TABLES) | owners


def _row(kind: type) -> str | None:
    name = f"{kind.__module__}.{kind.__qualname__}"
    for row, prefixes in ROWS.items():
        if name.startswith(prefixes):
            return row
    return None
