"""Clusters of our servers and official ones, with official clients; see :mod:`.cluster`."""
