// Joining namespaces: auth, refusal, multiplexing, custom paths.

import assert from "node:assert/strict";
import { ask, connected, refusal, runCases } from "../cases.mjs";
import { url } from "../harness.mjs";

await runCases({
  async "the handshake"(client) {
    const socket = await client.connect("/", { query: { lang: "é&=" } });
    const [self] = await ask(socket, "whoami");
    assert.equal(self.id, socket.id);
    assert.match(socket.id, /^[\w-]{20}$/);
    assert.equal(self.transport, client.transport);
    assert.equal(self.protocol, 4);
    assert.equal(self.query.lang, "é&=");
    assert.equal(self.query.EIO, "4");
    assert.equal(self.session, socket.io.engine.id);
    assert.notEqual(self.session, socket.id);
    assert.deepEqual(self.auth, {});
  },

  async "auth as an object"(client) {
    const auth = { token: "é😀", nested: [1, { two: null }], empty: "" };
    const [self] = await ask(await client.connect("/", { auth }), "whoami");
    assert.deepEqual(self.auth, auth);
  },

  async "auth as a function"(client) {
    const auth = (use) => setTimeout(() => use({ token: "secret" }), 5);
    const [self] = await ask(await client.connect("/private", { auth }), "whoami");
    assert.deepEqual(self.auth, { token: "secret" });
  },

  async "headers"(client) {
    const socket = await client.connect("/", { extraHeaders: { "X-Custom": "abc" } });
    const [self] = await ask(socket, "whoami");
    assert.equal(self.headers["x-custom"], "abc");
  },

  async "subprotocols"(client) {
    const socket = await client.connect("/", { protocols: ["chat.v2", "chat.v1"] });
    if (client.transport !== "polling") {
      assert.equal(socket.io.engine.transport.ws.protocol, "chat.v2");
    }
    assert.deepEqual(await ask(socket, "echo", 1), [1]);
  },

  async "refusal with data"(client) {
    const error = await refusal(client.open("/private", { auth: { token: "wrong" } }));
    assert.ok(error instanceof Error);
    assert.equal(error.message, "not authorized");
    assert.deepEqual(error.data, { code: 42, why: ["é", null] });
  },

  async "refusal without data"(client) {
    const error = await refusal(client.open("/closed"));
    assert.equal(error.message, "closed");
    assert.equal(error.data, undefined);
  },

  async "a second try after a refusal"(client) {
    const socket = client.open("/private");
    await refusal(socket);
    socket.auth = { token: "secret" };
    socket.connect();
    await connected(socket);
    assert.deepEqual(await ask(socket, "echo", 1), [1]);
  },

  async "an unknown namespace"(client) {
    const error = await refusal(client.open("/unknown"));
    assert.equal(error.message, "Invalid namespace");
  },

  async "several namespaces over one connection"(client) {
    const main = await client.connect();
    const chat = main.io.socket("/chat");
    const hidden = main.io.socket("/private", { auth: { token: "secret" } });
    const refused = main.io.socket("/closed");
    client.opened.push(chat, hidden, refused);
    const [error] = await Promise.all([refusal(refused), connected(chat), connected(hidden)]);
    assert.equal(error.message, "closed");

    const sockets = [main, chat, hidden];
    const selves = await Promise.all(sockets.map((socket) => ask(socket, "whoami")));
    assert.equal(new Set(selves.map(([self]) => self.id)).size, 3);
    assert.equal(new Set(selves.map(([self]) => self.session)).size, 1);
    const heard = sockets.map(() => []);
    sockets.forEach((socket, index) => socket.on("echo", (text) => heard[index].push(text)));
    await Promise.all(sockets.map((socket) => ask(socket, "echo", socket.nsp)));
    assert.deepEqual(heard, [["/"], ["/chat"], ["/private"]]);

    chat.disconnect();
    assert.deepEqual(await ask(main, "echo", "still here"), ["still here"]);
    chat.connect();
    await connected(chat);
    assert.deepEqual(await ask(chat, "echo", "back"), ["back"]);
  },

  async "events before the connection is there"(client) {
    const socket = client.open();
    const answers = Promise.all([1, 2, 3].map((number) => ask(socket, "echo", number)));
    assert.deepEqual(await answers, [[1], [2], [3]]);
  },

  async "a mounted server"(client) {
    const socket = await client.connect("/chat", { path: "/nested/chat" });
    assert.deepEqual(await ask(socket, "echo", url), [url]);
  },

  async "a path without a trailing slash"(client) {
    const socket = await client.connect("/", { addTrailingSlash: false });
    assert.deepEqual(await ask(socket, "echo", 1), [1]);
  },

  async "a path where no server is"(client) {
    await refusal(client.open("/", { path: "/nowhere" }));
  },

  async "cookies"(client) {
    const socket = await client.connect("/", { path: "/cookies", withCredentials: true });
    const { engine } = socket.io;
    const expected = client.mode === "websocket" ? undefined : `balance=${engine.id}`;
    const [cookies] = await ask(socket, "cookies");
    assert.equal(cookies.find((cookie) => cookie?.includes(engine.id)), expected);
  },
});
