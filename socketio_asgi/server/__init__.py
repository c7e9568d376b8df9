"""The server: namespaces, sockets, and the way of an event between them."""
