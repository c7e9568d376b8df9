"""The official admin UI, and the official server side of it."""
