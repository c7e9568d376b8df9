// The same client with the official MessagePack parser.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { ask, runCases } from "../cases.mjs";
import { once } from "../harness.mjs";
import { VALUES } from "../values.mjs";

const parser = createRequire(import.meta.url)("socket.io-msgpack-parser");
const BYTES = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
// The client's library cuts whole numbers down to 64 bits.
const PACKABLE = VALUES.filter((value) => !(Number.isInteger(value) && Math.abs(value) >= 2 ** 64));
const SETTINGS = { parser, path: "/msgpack" };

await runCases({
  async "values and binary, as events and acknowledgements"(client) {
    const socket = await client.connect("/", SETTINGS);
    const sent = [...PACKABLE, BYTES, { a: [{ b: BYTES }] }, Buffer.alloc(0)];
    const echo = once(socket, "echo");
    assert.deepEqual(await ask(socket, "echo", ...sent), sent);
    assert.deepEqual(await echo, sent);
    assert.deepEqual(await ask(socket, "echo"), []);
    socket.on("question", (value, acknowledge) => acknowledge([value, null]));
    assert.deepEqual(await ask(socket, "ask", BYTES), [[[BYTES, null]]]);
  },

  async "namespaces, auth and refusal"(client) {
    const auth = { token: "secret" };
    const [self] = await ask(await client.connect("/private", { ...SETTINGS, auth }), "whoami");
    assert.deepEqual(self.auth, auth);
    const [error] = await once(client.open("/private", SETTINGS), "connect_error");
    assert.equal(error.message, "not authorized");
    assert.deepEqual(error.data, { code: 42, why: ["é", null] });
  },

  async "rooms and disconnects"(client) {
    const [one, two] = await Promise.all([0, 1].map(() => client.connect("/chat", SETTINGS)));
    const room = `room ${client.mode}`;
    await ask(two, "join", room);
    const said = once(two, "said");
    one.emit("say", { from: "socket", to: [room] }, "é", BYTES);
    assert.deepEqual(await said, ["é", BYTES]);
    const left = once(two, "disconnect");
    two.emit("leave me");
    assert.equal((await left)[0], "io server disconnect");
    const { id } = one;
    one.disconnect();
    two.connect();
    const [noted] = await ask(two, "departure", id);
    assert.equal(noted.disconnect, "client namespace disconnect");
  },

  async "a client with another parser"(client) {
    const socket = client.open("/", { path: "/msgpack" });
    const failed = once(socket.io, "close");
    assert.match((await failed)[0], /^transport (close|error)$/);
    assert.equal(socket.connected, false);
  },
});
