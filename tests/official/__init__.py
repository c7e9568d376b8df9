"""The official protocol test suites, run against servers of ours: ``python -m tests.official``."""
