// A client that loses its connection, and then its server, and what it has got in the end.
import { io } from "socket.io-client";
import { once, report, scenario, url } from "../harness.mjs";

await scenario(async () => {
  const socket = io(url, { reconnectionDelay: 50, reconnectionDelayMax: 200 });
  const pings = [];
  const states = [];
  socket.on("ping", (text) => pings.push(text));
  const state = async () => {
    const since = await socket.timeout(10_000).emitWithAck("since");
    states.push({ id: socket.id, recovered: socket.recovered, since });
  };
  await once(socket, "connect");
  await state();
  await once(socket, "ping");

  socket.io.engine.close();
  await once(socket, "connect");
  await state();

  await once(socket, "ping");
  const lost = once(socket, "disconnect", 20_000);
  const back = once(socket, "connect", 40_000);
  report("ready");
  await lost;
  report("lost");
  await back;
  await state();
  await once(socket, "ping");
  socket.close();
  return { states, pings };
});
