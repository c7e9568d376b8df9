"""Harness shared by all tests: real servers, raw clients, Node, Chromium and a residue check.

Servers and event loops:

* :mod:`tests.support.processes`: a real ASGI server as a process of its own
* :mod:`tests.support.serving`: an application object served inside the test's event loop
* :mod:`tests.support.backends`: the event loops of async tests, and the way of WebSockets there
* :mod:`tests.support.autojump`: event loops that do not wait, for what is all in this process
* :mod:`tests.support.deadlines`: async tests that hang end by themselves

Clients, each made of the one below it (asyncio and trio):

* :mod:`tests.support.peer`: Socket.IO on either transport
* :mod:`tests.support.clients`: Engine.IO over polling and over WebSocket
* :mod:`tests.support.websocket`: the messages of a WebSocket
* :mod:`tests.support.rawwebsocket`: its frames and bytes; :mod:`tests.support.frames` writes them
* :mod:`tests.support.rawhttp`: HTTP/1.1 by hand
* :mod:`tests.support.node`: the official JavaScript clients, in Node and in Chromium

And:

* :mod:`tests.support.residue`: what a connection or a server left behind
* :mod:`tests.support.groups`, :mod:`tests.support.reruns`: plugins of pytest
"""
