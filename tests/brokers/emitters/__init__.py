"""Emitters, ours and official ones, with a cluster of both kinds of servers."""
