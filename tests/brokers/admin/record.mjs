// What the pages of the admin UI are told while one client does everything, in a form that two servers
// can be compared by: names for ids and dates, types for values that are different each time.

import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const { once, options, scenario, url } = await import(
  pathToFileURL(join(process.cwd(), "harness.mjs"))
);
const { io } = createRequire(join(process.cwd(), "package.json"))("socket.io-client");
const DATE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

const names = new Map();
const typesOf = (value) =>
  Object.fromEntries(Object.entries(value).map(([key, item]) => [key, typeof item]));

function plain(value, key) {
  if (typeof value === "string") {
    if (names.has(value)) return names.get(value);
    if (DATE.test(value)) return "DATE";
    return key === "clientId" ? "CLIENT" : value;
  }
  if (Array.isArray(value)) return value.map((item) => plain(item));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      name,
      name === "handshake" ? typesOf(item) : plain(item, name),
    ]),
  );
}

function summary(stats) {
  const { namespaces, aggregatedEvents, ...numbers } = stats;
  const kinds = aggregatedEvents.map(({ timestamp, count, ...kind }) => {
    if (timestamp % 1000 || !(count > 0)) throw new Error("a wrong number");
    return kind;
  });
  return { ...typesOf(numbers), namespaces, kinds };
}

await scenario(async () => {
  const log = [];
  const kinds = new Set();
  const settings = { transports: ["websocket"], forceNew: true };
  const admin = io(`${url}/admin`, { ...settings, auth: options.auth });
  admin.onAny((event, ...args) => log.push([event, args]));
  const told = (name, fits) =>
    new Promise((resolve) => {
      const look = (event, ...args) => {
        if (event !== name || !fits(...args)) return;
        admin.offAny(look);
        resolve();
      };
      admin.onAny(look);
    });
  admin.once("connect", () => names.set(admin.id, "ADMIN"));
  await once(admin, "all_sockets");

  const client = io(url, settings);
  await once(client, "connect");
  names.set(client.id, "SOCKET");
  await client.emitWithAck("move", "a", false);
  const updated = told("socket_updated", ({ data }) => data?.name === "ann");
  await client.emitWithAck("set", "name", "ann");
  await updated;
  await client.emitWithAck("echo", 1, { a: null });
  await client.emitWithAck("move", "a", true);
  const joined = told("room_joined", (_, room) => room === "b");
  admin.emit("join", "/", "b", client.id);
  await joined;
  const hello = once(client, "hello");
  admin.emit("emit", "/", client.id, "hello", 1);
  await hello;
  const left = told("room_left", (_, room) => room === "b");
  admin.emit("leave", "/", "b");
  await left;
  const { id } = client;
  const gone = told("room_left", (_, room) => room === id);
  admin.emit("_disconnect", "/", true, id);
  await gone;

  const polling = io(url, { forceNew: true });
  await once(polling, "connect");
  names.set(polling.id, "UPGRADING");
  await told("socket_updated", ({ transport }) => transport === "websocket");
  const disconnected = told("socket_disconnected", (_, id) => names.get(id) === "UPGRADING");
  polling.disconnect();
  await disconnected;
  await told("server_stats", () => true);

  const found = {};
  for (const [event, args] of log) {
    const list = (found[event] ??= []);
    if (event === "session") list.push(args.map((arg) => typeof arg));
    else if (event === "server_stats") {
      const { kinds: more, ...rest } = summary(args[0]);
      for (const kind of more) kinds.add(JSON.stringify(kind));
      found[event] = [{ ...rest, namespaces: rest.namespaces.map(({ name }) => name) }];
    } else list.push(plain(args));
  }
  admin.disconnect();
  return { found, kinds: [...kinds].sort() };
});
