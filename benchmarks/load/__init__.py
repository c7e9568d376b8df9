"""The load generator: a process of its own, lighter than the servers it drives."""
