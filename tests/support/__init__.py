"""Harness shared by all tests: real servers, raw clients, Node, Chromium and a residue check.

* :mod:`tests.support.processes`: a real ASGI server as a process of its own
* :mod:`tests.support.serving`: an application object served inside the test's event loop
* :mod:`tests.support.backends`: the event loops of async tests, and who carries WebSockets there
* :mod:`tests.support.deadlines`: async tests that hang end by themselves
* :mod:`tests.support.clients`: raw Engine.IO, WebSocket and HTTP clients (asyncio and trio)
* :mod:`tests.support.node`: the official JavaScript clients, in Node and in Chromium
* :mod:`tests.support.residue`: what a connection or a server left behind
"""
