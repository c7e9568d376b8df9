"""A chat platform to copy from: accounts, channels, private talks, presence, several servers.

cd examples && uvicorn chat_platform.main:app    # SQLite, one process
cd examples && python -m chat_platform.cluster   # PostgreSQL, three servers behind nginx

docs/examples/chat-platform.md goes through it file by file. ``main.py`` is where to begin.
"""
