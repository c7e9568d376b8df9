// Messages, sizes and closes of the lower layer.

import assert from "node:assert/strict";
import { ask, runCases } from "../cases.mjs";
import { once, options } from "../harness.mjs";
import { TEXTS } from "../values.mjs";
import { EngineClient, receive } from "./client.mjs";

const BYTES = Buffer.from(Array.from({ length: 256 }, (_, index) => index));

async function comesBack(socket, sent, expected = sent) {
  const messages = receive(socket, sent.length);
  for (const message of sent) socket.send(message);
  assert.deepEqual(await messages, expected);
}

async function departure(client, id) {
  const [{ disconnect }] = await ask(await client.observe(), "departure", id);
  return disconnect;
}

await runCases(
  {
    async "text"(client) {
      // U+001E separates the packets of a payload; JSON never holds it as it is.
      const texts = TEXTS.map((text) => text.replaceAll("\u001e", ""));
      await comesBack(await client.connect(), texts);
    },

    async "binary"(client) {
      const socket = await client.connect();
      const part = new Uint8Array(BYTES.buffer, BYTES.byteOffset + 250, 3);
      await comesBack(
        socket,
        [BYTES, Buffer.alloc(0), part, Buffer.alloc(50_000, 0x1e)],
        [BYTES, Buffer.alloc(0), Buffer.from(part), Buffer.alloc(50_000, 0x1e)],
      );
    },

    async "binary as base64"(client) {
      const socket = await client.connect({ forceBase64: true });
      await comesBack(socket, ["before", BYTES, "after", BYTES]);
    },

    async "text and binary mixed"(client) {
      const sent = Array.from({ length: 90 }, (_, index) =>
        index % 3 ? `é😀 ${index}` : Buffer.from([index]),
      );
      await comesBack(await client.connect(), sent);
    },

    async "a large message"(client) {
      await comesBack(await client.connect(), ["é".repeat(450_000), Buffer.alloc(600_000, 7)]);
    },

    async "a message that is too large"(client) {
      const socket = await client.connect();
      const closed = once(socket, "close");
      socket.send("x".repeat(1_000_001));
      assert.match((await closed)[0], /^transport (close|error)$/);
    },

    async "a close by the client"(client) {
      const socket = await client.connect();
      const { id } = socket;
      const closed = once(socket, "close");
      socket.close();
      assert.equal((await closed)[0], "forced close");
      assert.equal(await departure(client, id), "transport close");
    },

    async "a close by the server behind its messages"(client) {
      const socket = await client.connect();
      const messages = receive(socket, 2);
      for (const text of ["one", "two", "close"]) socket.send(text);
      assert.deepEqual(await messages, ["one", "two"]);
      if (socket.readyState !== "closed") await once(socket, "close");
    },

    async "a close by the server"(client) {
      const socket = await client.connect();
      const { id } = socket;
      const closed = once(socket, "close");
      socket.send("close");
      assert.equal((await closed)[0], "transport close");
      assert.equal(await departure(client, id), "forced close");
    },

    async "an unknown session"(client) {
      if (client.mode === "upgrade") return;
      await assert.rejects(client.connect({ query: { sid: "forged" } }));
    },
  },
  { Client: EngineClient, modes: options.modes },
);
