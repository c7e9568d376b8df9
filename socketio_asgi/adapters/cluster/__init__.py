"""The cluster: what every adapter for several processes has in common.

A **core** for each server (members, requests, order) speaks in messages. A **wire** says what a
message looks like to a broker, and a **driver** moves it.
"""

from .adapter import ClusterAdapter
from .driver import Archive, BytesWire, Census, Driver, Inbox, Skips, Traits, hand_in
from .fate import Fate
from .message import MalformedMessage, Message, MessageType
from .options import ClusterOptions, ClusterSettings
from .wires.official import OfficialWire
from .wires.python import PythonWire

__all__ = [
    "Archive",
    "BytesWire",
    "Census",
    "ClusterAdapter",
    "ClusterOptions",
    "ClusterSettings",
    "Driver",
    "Fate",
    "Inbox",
    "MalformedMessage",
    "Message",
    "MessageType",
    "OfficialWire",
    "PythonWire",
    "Skips",
    "Traits",
    "hand_in",
]
