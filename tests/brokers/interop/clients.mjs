// Official clients, any number in one process; see clients.py for the commands.

import { io } from "socket.io-client";
import { obey, report } from "./remote.mjs";

const clients = new Map();
let last = 0;

function connect({ url, namespace, options }) {
  const client = ++last;
  const socket = io(url + (namespace === "/" ? "" : namespace), { forceNew: true, ...options });
  const state = { socket, answer: undefined };
  clients.set(client, state);
  socket.onAny((event, ...args) => {
    const done = typeof args.at(-1) === "function" ? args.pop() : null;
    report("heard", { client, event, args });
    if (done && state.answer) done(...state.answer);
  });
  socket.on("disconnect", (reason) => report("disconnected", { client, reason }));
  return new Promise((resolve, reject) => {
    socket.on("connect", () => {
      report("connected", { client, sid: socket.id, recovered: socket.recovered });
      resolve({ client, sid: socket.id });
    });
    socket.once("connect_error", reject);
  });
}

obey({
  connect,
  close({ client }) {
    clients.get(client).socket.disconnect();
    clients.delete(client);
  },
  /** Cut the connection, as a network does; the client comes back by itself. */
  cut({ client }) {
    clients.get(client).socket.io.engine.close();
  },
  /** The values with which a client answers everything; null for no answer at all. */
  answerWith({ client, values }) {
    clients.get(client).answer = values ?? undefined;
  },
  emit({ client, event, args }) {
    clients.get(client).socket.emit(event, ...args);
  },
  request({ client, event, args }) {
    return clients.get(client).socket.timeout(10_000).emitWithAck(event, ...args);
  },
});
