// Official servers, any number in one process; see servers.py for the commands.

import { createServer } from "node:http";
import { Server } from "socket.io";
import { makeAdapter, makeEmitter } from "./adapters.mjs";
import { obey, report } from "./remote.mjs";

const servers = new Map();
let last = 0;

function handleSocket(socket) {
  socket.on("join", async (room, done) => {
    await socket.join(room);
    done();
  });
  socket.on("leave", async (room, done) => {
    await socket.leave(room);
    done();
  });
  socket.on("set data", (data, done) => {
    socket.data = data;
    done();
  });
  socket.on("tell others", (event, ...args) => socket.broadcast.emit(event, ...args));
  socket.on("tell room", (room, event, ...args) => socket.to(room).emit(event, ...args));
}

function handleNamespace(server, namespace) {
  namespace.on("connection", handleSocket);
}

function handleServerEvents(server, namespace) {
  const heard = (event, args) => report("server event", { server, event, args });
  namespace.on("note", (...args) => heard("note", args));
  namespace.on("question", (...args) => {
    const done = args.pop();
    heard("question", args);
    done(args[0]);
  });
  namespace.on("silence", () => heard("silence", []));
}

async function start({ adapter, options, namespaces, dynamic }) {
  const server = ++last;
  const [maker, closeConnections, ready] = await makeAdapter(adapter);
  const http = createServer();
  const io = new Server(http, { ...options, ...(maker && { adapter: maker }) });
  for (const name of namespaces) {
    handleNamespace(server, io.of(name));
    handleServerEvents(server, io.of(name));
  }
  for (const pattern of dynamic) handleNamespace(server, io.of(new RegExp(pattern)));
  io.on("new_namespace", (namespace) => handleServerEvents(server, namespace));
  await new Promise((resolve) => http.listen(0, "127.0.0.1", resolve));
  await ready?.();
  servers.set(server, { io, closeConnections });
  return { server, port: http.address().port };
}

/** Make an emitter; the commands that only send take its number in place of that of a server. */
async function startEmitter({ emitter }) {
  const server = ++last;
  const [of, closeConnections] = await makeEmitter(emitter);
  servers.set(server, { io: { of, close() {} }, closeConnections });
  return server;
}

async function stop({ server }) {
  const { io, closeConnections } = servers.get(server);
  servers.delete(server);
  await io.close();
  await new Promise((resolve) => setImmediate(resolve)); // adapters do not wait for their goodbye
  await closeConnections();
}

function namespaceOf({ server, namespace }) {
  return servers.get(server).io.of(namespace);
}

function choose({ rooms, except, flags, ...where }) {
  let chosen = namespaceOf(where);
  if (rooms.length) chosen = chosen.to(rooms);
  if (except.length) chosen = chosen.except(except);
  if (flags.volatile) chosen = chosen.volatile;
  if (flags.local) chosen = chosen.local;
  if (flags.timeout) chosen = chosen.timeout(flags.timeout);
  return chosen;
}

obey({
  start,
  startEmitter,
  stop,
  emit({ event, args, ...target }) {
    choose(target).emit(event, ...args);
  },
  ask({ event, args, ...target }) {
    return new Promise((resolve) => {
      choose(target).emit(event, ...args, (error, values) => {
        resolve({ complete: !error, values: values ?? [] });
      });
    });
  },
  async fetch(target) {
    const found = await choose(target).fetchSockets();
    return found.map(({ id, rooms, data, handshake }) => ({ id, rooms: [...rooms], data, handshake }));
  },
  join({ joined, ...target }) {
    choose(target).socketsJoin(joined);
  },
  leave({ left, ...target }) {
    choose(target).socketsLeave(left);
  },
  disconnect({ close, ...target }) {
    choose(target).disconnectSockets(close);
  },
  serverEmit({ event, args, ...where }) {
    namespaceOf(where).serverSideEmit(event, ...args);
  },
  serverAsk({ event, args, ...where }) {
    return new Promise((resolve) => {
      namespaceOf(where).serverSideEmit(event, ...args, (error, values) => {
        resolve({ complete: !error, values: values ?? [] });
      });
    });
  },
  /** The servers that have the namespace, by the adapter's own count. */
  count(where) {
    return namespaceOf(where).adapter.serverCount();
  },
});
