"""The same work by several clients: one program each, started by :mod:`benchmarks.clients`.

Each takes an address, a situation, a number of clients and seconds, and prints one line of JSON.
"""
