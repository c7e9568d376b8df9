// What a 2.x client does with a server that has allow_eio3.

import assert from "node:assert/strict";
import { ask, runCases } from "../cases.mjs";
import { once } from "../harness.mjs";
import { BROKEN_TEXTS, VALUES } from "../values.mjs";
import { OldClient, oldConnected } from "./client.mjs";

const BYTES = Buffer.from(Array.from({ length: 256 }, (_, index) => index));

async function comesBack(socket, sent, expected = sent) {
  const echo = once(socket, "echo");
  const answer = ask(socket, "echo", ...sent);
  assert.deepEqual(await echo, expected);
  assert.deepEqual(await answer, expected);
}

async function departure(client, id) {
  const [noted] = await ask(await client.connect(), "departure", id);
  return noted.disconnect;
}

await runCases(
  {
    async "the main namespace"(client) {
      const socket = await client.connect("/", { query: { lang: "é" } });
      const [self] = await ask(socket, "whoami");
      assert.equal(self.protocol, 3);
      assert.equal(self.transport, client.transport);
      assert.equal(self.query.lang, "é");
      assert.equal(self.query.EIO, "3");
      assert.deepEqual(self.auth, {});
    },

    async "values"(client) {
      const socket = await client.connect();
      await comesBack(socket, VALUES);
      await comesBack(socket, BROKEN_TEXTS);
      await comesBack(socket, []);
    },

    async "binary at any depth"(client) {
      const sent = [BYTES, { a: [{ b: BYTES }, "é", null] }, [[Buffer.alloc(0)]]];
      await comesBack(await client.connect(), sent);
    },

    async "binary as base64"(client) {
      await comesBack(await client.connect("/", { forceBase64: true }), [BYTES, { a: BYTES }]);
    },

    async "acknowledgements"(client) {
      const socket = await client.connect();
      assert.deepEqual(await ask(socket, "nothing"), []);
      assert.deepEqual(await ask(socket, "later", 1, BYTES), [1, BYTES]);
      socket.on("question", (text, acknowledge) => acknowledge({ text, bytes: [BYTES] }));
      assert.deepEqual(await ask(socket, "ask", "é"), [[{ text: "é", bytes: [BYTES] }]]);
    },

    async "order"(client) {
      const socket = client.open();
      const heard = [];
      socket.on("echo", (number) => heard.push(number));
      const numbers = Array.from({ length: 80 }, (_, index) => index);
      await Promise.all(
        numbers.map((index) => ask(socket, "echo", index, ...(index % 3 ? [] : [BYTES]))),
      );
      assert.deepEqual(heard, numbers);
    },

    async "a namespace with a query"(client) {
      const [self] = await ask(await client.connect("/private?token=secret&x=%C3%A9"), "whoami");
      assert.deepEqual(self.auth, { token: "secret", x: "é" });
    },

    async "refusal with data"(client) {
      const [error] = await once(client.open("/private?token=wrong"), "error");
      assert.deepEqual(error, { code: 42, why: ["é", null] });
    },

    async "refusal without data"(client) {
      assert.deepEqual(await once(client.open("/closed"), "error"), ["closed"]);
    },

    async "an unknown namespace"(client) {
      const [error] = await once(client.open("/unknown"), "error");
      assert.equal(error.message, "Invalid namespace");
    },

    async "namespaces over one connection"(client) {
      const main = await client.connect();
      const chat = main.io.socket("/chat");
      await oldConnected(chat);
      const selves = await Promise.all([main, chat].map((socket) => ask(socket, "whoami")));
      assert.equal(new Set(selves.map(([self]) => self.session)).size, 1);
      assert.equal(new Set(selves.map(([self]) => self.id)).size, 2);
      await comesBack(chat, ["in chat", BYTES]);
      chat.disconnect();
      const [noted] = await ask(main, "departure", selves[1][0].id);
      assert.equal(noted.disconnect, "client namespace disconnect");
    },

    async "rooms and broadcasts"(client) {
      const room = `room ${client.mode}`;
      const members = await Promise.all([0, 1, 2].map(() => client.connect("/chat")));
      const heard = members.map(() => []);
      members.forEach((member, index) => member.on("said", (...args) => heard[index].push(args)));
      await ask(members[0], "join", room);
      await ask(members[1], "join", room);
      await ask(members[0], "say", { from: "socket", to: [room] }, "é", BYTES);
      await Promise.all(members.map((member) => ask(member, "nothing")));
      assert.deepEqual(heard, [[], [["é", BYTES]], []]);
    },

    async "the client leaves"(client) {
      const socket = await client.connect();
      const [{ id }] = await ask(socket, "whoami");
      const left = once(socket, "disconnect");
      socket.disconnect();
      assert.equal((await left)[0], "io client disconnect");
      assert.match(await departure(client, id), /^(client namespace disconnect|transport close)$/);
    },

    async "the server disconnects"(client) {
      const socket = await client.connect();
      const [{ id }] = await ask(socket, "whoami");
      const left = once(socket, "disconnect");
      socket.emit("leave me");
      assert.equal((await left)[0], "io server disconnect");
      assert.equal(await departure(client, id), "server namespace disconnect");
    },

    async "the server closes the connection"(client) {
      const socket = await client.connect();
      const left = once(socket, "disconnect");
      const closed = once(socket.io, "close");
      socket.emit("drop me");
      assert.equal((await left)[0], "io server disconnect");
      await closed;
    },

    async "a large message"(client) {
      await comesBack(await client.connect(), ["é".repeat(450_000)]);
      await comesBack(await client.connect(), [Buffer.alloc(600_000, 7)]);
    },

    async "a server that does not allow it"(client) {
      await assert.rejects(client.connect("/", { path: "/nested/chat" }), /error/);
    },
  },
  { Client: OldClient },
);
