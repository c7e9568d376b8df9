"""The proxy of the suite for drivers, for all tests.

>>> async with fault_proxy(redis.port) as proxy:
...     io = Server(adapter=RedisAdapter(f"redis://{proxy.address}"))
...     proxy.cut()
"""

from socketio_asgi.testing.adapters import FaultProxy, fault_proxy

__all__ = ["FaultProxy", "fault_proxy"]
