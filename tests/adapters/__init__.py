"""Tests of the adapters: their life, the cluster core, and the forms of its messages."""
