"""ASGI extensions that a server's protocol classes offer an application, beside ASGI itself.

Interfaces alone, so that neither side needs to know the other.
"""
