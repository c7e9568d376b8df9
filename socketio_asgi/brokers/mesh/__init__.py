"""A mesh of the workers of one start: each is connected with every other by a Unix socket.

    place.py         the folder in which they find one another
    folder.py        the files that are in it
    link.py          a connection between two of them: frames, and descriptors
    mesh.py          the workers that are there, as they come and go
    session_ids.py   which of them has a session
    handover.py      connections that go to the worker that has their session
    relay.py         requests that are passed on instead, where a connection cannot go
    asgi_events.py   the events of ASGI as bytes

Nothing is elected, and no worker is in the way of the others: the end of a stream tells each of
them at once that another one has ended.
"""

from .handover import Handovers
from .link import FrameKind
from .mesh import Mesh, Peer
from .place import ENVIRONMENT_VARIABLE, PlaceError, find_place
from .relay import Relays
from .session_ids import SessionIds

__all__ = [
    "ENVIRONMENT_VARIABLE",
    "FrameKind",
    "Handovers",
    "Mesh",
    "Peer",
    "PlaceError",
    "Relays",
    "SessionIds",
    "find_place",
]
