// Connection state recovery: a client whose connection broke gets its id, rooms and events back.

import assert from "node:assert/strict";
import { ask, connected, runCases } from "../cases.mjs";
import { once } from "../harness.mjs";

const SETTINGS = { path: "/recovery" };
const LIVELY = { ...SETTINGS, reconnection: true, reconnectionDelay: 300, randomizationFactor: 0 };

function breakConnection(socket) {
  const { transport } = socket.io.engine;
  if (transport.ws) transport.ws.terminate();
  else transport.onError("cut", new Error("cut"));
}

await runCases({
  async "what was missed comes after the reconnection"(client) {
    const { mode } = client; // those with other transports are in the same namespace
    const room = `room ${mode}`;
    const bytes = Buffer.from([2, 0x1e]);
    const other = await client.connect("/chat", SETTINGS);
    const socket = await client.connect("/chat", LIVELY);
    const { id } = socket;
    assert.equal(socket.recovered, false);
    await ask(socket, "join", room);
    const heard = [];
    // The last argument is the offset, which the client hands on as well.
    socket.on("said", (...args) => heard.push(args.slice(0, -1)));
    await ask(other, "say", { from: "socket", to: [room] }, "before");
    await ask(socket, "nothing");

    const left = once(socket, "disconnect");
    breakConnection(socket);
    await left;
    await ask(other, "departure", id);
    await ask(other, "say", { from: "socket", to: [room] }, "missed", 1);
    await ask(other, "say", { from: "namespace" }, "all", mode, bytes);
    await ask(other, "say", { from: "socket", to: ["another room"] }, "not for it");

    await connected(socket);
    assert.equal(socket.recovered, true);
    assert.equal(socket.id, id);
    await ask(other, "say", { from: "socket", to: [room] }, "after");
    const [rooms] = await ask(socket, "join", room);
    assert.deepEqual(rooms, [room, id].sort());
    const own = heard.filter(([text, from]) => text !== "all" || from === mode);
    assert.deepEqual(own, [["before"], ["missed", 1], ["all", mode, bytes], ["after"]]);
  },

  async "a client that left on purpose starts anew"(client) {
    const socket = await client.connect("/", SETTINGS);
    const { id } = socket;
    socket.disconnect().connect();
    await connected(socket);
    assert.equal(socket.recovered, false);
    assert.notEqual(socket.id, id);
  },
});
