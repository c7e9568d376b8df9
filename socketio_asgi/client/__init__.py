"""The client: one that keeps its connection, on asyncio and trio."""
