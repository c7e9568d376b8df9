"""The way from a client to a server: HTTP requests, and WebSockets.

base.py         the interface of a network, to the transports above
sockets.py      the network over sockets, with everything below
options.py      its options
address.py      the parts of a URL
proxies.py      which proxy is on the way, and the request to it
cookies.py      the cookies of a client
failures.py     the reasons for failures, in words
http.py         HTTP requests, by httpx2 or httpx
opening.py      the opening handshake of a WebSocket
websocket.py    an open WebSocket
"""
