"""Dependencies of handlers: what they are called with beside the values of the event.

markers      what a parameter says that it depends on; those of FastAPI are known as well
functions    dependencies as functions: their kinds, and their parameters
supplies     what needs no marker: the request of the client, the socket, …
reading      values out of the request of a connection, read by a framework
steps        the calls of a plan, one after another
plan         the order of the calls, found out once, at registration
solving      the calls for one event
injection    the plan of one handler, and its overrides
solver       what the planner of handlers knows of all this
"""

from .markers import Depends

__all__ = ["Depends"]
