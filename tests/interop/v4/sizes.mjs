// Messages up to max_http_buffer_size, and beyond.

import assert from "node:assert/strict";
import { Fetch } from "socket.io-client";
import { ask, runCases } from "../cases.mjs";
import { once } from "../harness.mjs";

const SMALL = 20_000; // the limit of the server at /small
const FRAME = '420["nothing",""]'.length; // what is around the text of the first event with an ack

function connectSmall(client) {
  return client.connect("/", { path: "/small" });
}

async function isRefused(client, send) {
  const socket = await connectSmall(client);
  const { id } = socket;
  const left = once(socket, "disconnect");
  send(socket);
  const [reason] = await left;
  // A WebSocket is closed with a code. With polling, the poll that waits tells of the end before the
  // client looks at the 413, as with the official server.
  assert.equal(reason, "transport close");
  const observer = await connectSmall(client);
  const [noted] = await ask(observer, "departure", id);
  assert.equal(noted.disconnect, "transport error");
}

await runCases({
  async "text of exactly the limit"(client) {
    const socket = await connectSmall(client);
    assert.deepEqual(await ask(socket, "nothing", "x".repeat(SMALL - FRAME)), []);
  },

  "text beyond the limit": (client) =>
    isRefused(client, (socket) => socket.emit("nothing", "x".repeat(SMALL))),

  "text beyond the limit in bytes": (client) =>
    isRefused(client, (socket) => socket.emit("nothing", "€".repeat(SMALL / 2))),

  "binary beyond the limit": (client) =>
    isRefused(client, (socket) => socket.emit("nothing", Buffer.alloc(SMALL + 1))),

  async "many messages that are beyond the limit together"(client) {
    const socket = await connectSmall(client);
    const texts = Array.from({ length: 12 }, (_, index) => String(index).repeat(4_000));
    const answers = await Promise.all(texts.map((text) => ask(socket, "echo", text)));
    assert.deepEqual(answers, texts.map((text) => [text]));
  },

  async "a megabyte"(client) {
    const socket = await client.connect();
    const text = "é".repeat(490_000);
    assert.deepEqual(await ask(socket, "echo", text), [text]);
    const bytes = Buffer.alloc(700_000, 7);
    const [back] = await ask(socket, "echo", bytes);
    assert.ok(bytes.equals(back));
  },

  async "more than a megabyte"(client) {
    const socket = await client.connect();
    const left = once(socket, "disconnect");
    socket.emit("nothing", "x".repeat(1_000_001));
    assert.match((await left)[0], /^transport (close|error)$/);
  },

  async "compressed responses"(client) {
    if (client.mode !== "polling") return;
    const encodings = [];
    const original = globalThis.fetch;
    globalThis.fetch = async (...args) => {
      const response = await original(...args);
      encodings.push(response.headers.get("content-encoding"));
      return response;
    };
    try {
      const socket = await client.connect("/", { transports: [Fetch] });
      const text = "compress me ".repeat(1_000);
      assert.deepEqual(await ask(socket, "echo", text), [text]);
    } finally {
      globalThis.fetch = original;
    }
    assert.ok(encodings.includes("gzip"), `these encodings came: ${encodings}`);
    assert.ok(encodings.includes(null), "short responses stay as they are");
  },
});
