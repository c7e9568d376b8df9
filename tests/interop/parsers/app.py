"""A parser of one's own on the server's side: every packet is one JSON object."""

from __future__ import annotations

import json
from typing import Any

from socketio_asgi import Server, Socket
from socketio_asgi.protocol import DecodeError, Packet, PacketType


class JSONParser:
    """Packets as JSON objects; the decoder keeps no state, so it is the parser itself."""

    def encode(self, packet: Packet) -> list[str | bytes]:
        fields = {"type": int(packet.type), "nsp": packet.namespace, "data": packet.data}
        if packet.id is not None:
            fields["id"] = packet.id
        return [json.dumps(fields)]

    def decoder(self) -> JSONParser:
        return self

    def add(self, data: str | bytes) -> Packet | None:
        try:
            fields = json.loads(data)
            return Packet(
                PacketType(fields["type"]), fields["nsp"], fields.get("data"), fields.get("id")
            )
        except (ValueError, KeyError, TypeError) as error:
            raise DecodeError("Socket.IO", "not one of our packets") from error

    def reset(self) -> None:
        pass


io = Server(parser=JSONParser())


@io.on("echo")
async def echo(_socket: Socket, *args: Any) -> tuple[Any, ...]:
    return args
