"""Servers that share sessions without sticky sessions, over a real Redis."""
