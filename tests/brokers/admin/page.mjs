// Pages and clients, one command after another from the test: `open`, `join`, `call`, `close`.

import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const { once, options, scenario } = await import(
  pathToFileURL(join(process.cwd(), "harness.mjs"))
);
const { io } = createRequire(join(process.cwd(), "package.json"))("socket.io-client");
const settings = { transports: ["websocket"], forceNew: true, reconnection: false };

/** A page at one server; remembers what it was told. */
async function open(url, auth) {
  const page = io(`${url}/admin`, { ...settings, auth });
  const log = [];
  page.onAny((event, ...args) => log.push([event, ...args]));
  page.find = (event, fits = () => true) =>
    new Promise((resolve) => {
      const past = log.find(([name, ...args]) => name === event && fits(...args));
      if (past) return resolve(past.slice(1));
      const look = (name, ...args) => {
        if (name !== event || !fits(...args)) return;
        page.offAny(look);
        resolve(args);
      };
      page.onAny(look);
    });
  await once(page, "connect");
  return page;
}

async function refused(url, auth) {
  const page = io(`${url}/admin`, { ...settings, auth });
  const [error] = await once(page, "connect_error");
  page.disconnect();
  return error.message;
}

/** What a page at one server sees of, and does with, the clients of both. */
async function around(url, clients) {
  const page = await open(url, options.auth);
  const [sockets] = await page.find("all_sockets", (found) =>
    clients.every(({ id }) => found.some((socket) => socket.id === id)));
  const seen = clients.map(({ id }) => sockets.find((socket) => socket.id === id));
  const servers = [];
  for (const server of options.servers) {
    await page.find("server_stats", ({ serverId }) => serverId === server);
    servers.push(server);
  }
  page.emit("join", "/", "both");
  for (const { id } of clients) await page.find("room_joined", (_, room, sid) => room === "both" && sid === id);
  page.emit("emit", "/", "both", "hello", 1);
  await Promise.all(clients.map((client) => once(client, "hello")));
  for (const { id } of clients) await page.find("event_sent", (_, sid, args) => sid === id && args[0] === "hello");
  page.emit("leave", "/", "both");
  for (const { id } of clients) await page.find("room_left", (_, room, sid) => room === "both" && sid === id);
  for (const client of clients) {
    const { id } = client;
    const ended = once(client, "disconnect");
    page.emit("_disconnect", "/", true, id);
    await ended;
    await page.find("socket_disconnected", (_, sid) => sid === id);
  }
  page.disconnect();
  return { servers, seen: seen.map(({ clientId, transport, nsp }) => [clientId.length, transport, nsp]) };
}

const scenarios = {
  async around() {
    const results = [];
    for (const url of options.urls) {
      const clients = options.urls.map((each) => io(each, settings));
      await Promise.all(clients.map((client) => once(client, "connect")));
      results.push(await around(url, clients));
    }
    return { results };
  },

  /** A session that one server has begun is one at the other. */
  async sessions() {
    const messages = [];
    for (const [here, there] of [options.urls, options.urls.toReversed()]) {
      const page = await open(here, options.auth);
      const [sessionId] = await page.find("session");
      (await open(there, { sessionId })).disconnect();
      messages.push(await refused(there, { sessionId: sessionId + "x" }));
      page.disconnect();
    }
    return { messages };
  },
};

await scenario(() => scenarios[options.run]());
