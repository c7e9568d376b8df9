// Disconnects by either side, with the official reasons on both.

import assert from "node:assert/strict";
import { ask, connected, runCases } from "../cases.mjs";
import { once } from "../harness.mjs";

/** What the server noted about a socket that left. */
async function departure(client, id) {
  const observer = await client.connect();
  const [noted] = await ask(observer, "departure", id);
  assert.equal(noted.disconnecting, noted.disconnect);
  return noted;
}

await runCases({
  async "the client leaves"(client) {
    const socket = await client.connect();
    const { id } = socket;
    await ask(socket, "join", "room");
    const left = once(socket, "disconnect");
    socket.disconnect();
    assert.equal((await left)[0], "io client disconnect");
    assert.equal(socket.active, false);
    const noted = await departure(client, id);
    assert.equal(noted.disconnect, "client namespace disconnect");
    assert.deepEqual(noted.rooms, ["room", id].sort());
  },

  async "the client leaves one of two namespaces"(client) {
    const main = await client.connect();
    const chat = main.io.socket("/chat");
    await connected(chat);
    const { id } = chat;
    chat.disconnect();
    const [noted] = await ask(main, "departure", id);
    assert.equal(noted.disconnect, "client namespace disconnect");
    assert.equal(main.connected, true);
  },

  async "the client closes its connection"(client) {
    const socket = await client.connect();
    const { id } = socket;
    const left = once(socket, "disconnect");
    socket.io.engine.close();
    assert.equal((await left)[0], "forced close");
    assert.equal((await departure(client, id)).disconnect, "transport close");
  },

  async "the server disconnects one namespace"(client) {
    const main = await client.connect();
    const chat = main.io.socket("/chat");
    await connected(chat);
    const { id } = chat;
    const left = once(chat, "disconnect");
    chat.emit("leave me");
    assert.equal((await left)[0], "io server disconnect");
    assert.equal(chat.active, false);
    const [noted] = await ask(main, "departure", id);
    assert.equal(noted.disconnect, "server namespace disconnect");
    chat.connect(); // by hand: it does not come back by itself
    await connected(chat);
  },

  async "the server closes the connection"(client) {
    const socket = await client.connect();
    const { id } = socket;
    const closed = once(socket.io, "close");
    const left = once(socket, "disconnect");
    socket.emit("drop me");
    assert.equal((await left)[0], "io server disconnect");
    await closed;
    assert.equal((await departure(client, id)).disconnect, "server namespace disconnect");
  },

  async "the connection breaks"(client) {
    const socket = await client.connect();
    const { id } = socket;
    const left = once(socket, "disconnect");
    const { transport } = socket.io.engine;
    if (transport.ws) transport.ws.terminate();
    else transport.onError("cut", new Error("cut"));
    assert.match((await left)[0], /^transport (close|error)$/);
    const { disconnect } = await departure(client, id);
    if (client.transport === "websocket") assert.equal(disconnect, "transport close");
    else assert.match(disconnect, /^transport (close|error)$/);
  },

  async "a packet that breaks the protocol"(client) {
    const socket = await client.connect();
    const { id } = socket;
    const left = once(socket, "disconnect");
    socket.io.engine.send("9 no such packet");
    assert.equal((await left)[0], "transport close");
    assert.equal((await departure(client, id)).disconnect, "parse error");
  },

  async "an event with a reserved name"(client) {
    const socket = await client.connect();
    const { id } = socket;
    const left = once(socket, "disconnect");
    socket.io.engine.send('2["disconnect","forged"]');
    await left;
    assert.equal((await departure(client, id)).disconnect, "parse error");
  },
});
