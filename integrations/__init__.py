"""Socket.IO inside other frameworks and servers: one thin module for each.

Import these modules as ``socketio_asgi.integrations.<name>``. Each one needs its framework only
when it is imported.
"""
