// Middlewares: of requests (with sessions), of namespaces, of the events of a socket.

import assert from "node:assert/strict";
import { ask, connected, refusal, runCases } from "../cases.mjs";
import { once, url } from "../harness.mjs";

const SERVERS = ["/middlewares", "/application/socket.io"];

const fresh = (client) => `${client.mode} ${Math.random()}`;

/** The cookie of a session that a route has made. */
async function login(user) {
  const target = `${url}/application/login?user=${encodeURIComponent(user)}`;
  const response = await fetch(target, { method: "POST" });
  assert.equal(response.status, 200);
  return response.headers.getSetCookie()[0].split(";")[0];
}

await runCases(
  {
    async "a session of a route is there"(client) {
      const extraHeaders = { cookie: await login("Änne") };
      for (const path of SERVERS) {
        const [self] = await ask(await client.connect("/", { path, extraHeaders }), "whoami");
        assert.deepEqual(self.request, { user: "Änne" });
        assert.deepEqual(self.handshake, { user: "Änne" });
        assert.deepEqual(self.cookies, ["chat"]);
        assert.equal(self.scope, client.mode === "websocket" ? "websocket" : "http");
      }
    },

    async "without its cookie, or with a forged one, it is empty"(client) {
      const forged = (await login("Ann")).slice(0, -2) + "xx";
      for (const path of SERVERS) {
        for (const extraHeaders of [{}, { cookie: forged }]) {
          const [self] = await ask(await client.connect("/", { path, extraHeaders }), "whoami");
          assert.deepEqual(self.request, {});
        }
      }
    },

    async "a session decides who may join"(client) {
      const extraHeaders = { cookie: await login("Ann") };
      for (const path of SERVERS) {
        const error = await refusal(client.open("/members", { path }));
        assert.equal(error.message, "not logged in");
        const [self] = await ask(
          await client.connect("/members", { path, extraHeaders }),
          "whoami",
        );
        assert.deepEqual(self.request, { user: "Ann" });
      }
    },

    async "each client has its own session"(client) {
      const users = ["one", "two", "three"];
      const selves = users.map(async (user) => {
        const extraHeaders = { cookie: await login(user) };
        const socket = await client.connect("/", { extraHeaders });
        return (await ask(socket, "whoami"))[0].request.user;
      });
      assert.deepEqual(await Promise.all(selves), users);
    },

    async "middlewares of requests run from the outside in"(client) {
      const [self] = await ask(await client.connect(), "whoami");
      assert.deepEqual(self.tags, ["outer", "inner"]);
    },

    async "a middleware of requests answers itself"(client) {
      const error = await refusal(client.open("/", { extraHeaders: { "X-Blocked": "1" } }));
      assert.match(error.message, /^(xhr poll|websocket) error$/);
      if (client.mode !== "websocket") assert.equal(error.description, 401);
    },

    async "middlewares of a namespace run in their order"(client) {
      const key = fresh(client);
      const socket = await client.connect("/chain", { auth: { key } });
      assert.deepEqual(await ask(socket, "passed"), [["first", "second", "third"]]);
      const main = await client.connect();
      assert.deepEqual(await ask(main, "reached", "last", key), [1]);
      assert.deepEqual(await ask(main, "reached", "connection", key), [1]);
    },

    async "a refusal with data, and nothing behind it"(client) {
      const main = await client.connect();
      for (const data of [{ code: 42, why: ["é", null] }, "text", 0, false, []]) {
        const key = fresh(client);
        const auth = { key, refuse: "not you, ü", data };
        const error = await refusal(client.open("/chain", { auth }));
        assert.ok(error instanceof Error);
        assert.equal(error.message, "not you, ü");
        assert.deepEqual(error.data, data);
        assert.deepEqual(await ask(main, "reached", "last", key), [0]);
        assert.deepEqual(await ask(main, "reached", "connection", key), [0]);
      }
    },

    async "a refusal without data"(client) {
      const error = await refusal(client.open("/chain", { auth: { refuse: "" } }));
      assert.equal(error.message, "");
      assert.equal(error.data, undefined);
    },

    async "a client that is refused may try again"(client) {
      const main = await client.connect();
      const socket = main.io.socket("/chain", { auth: { refuse: "first try" } });
      client.opened.push(socket);
      await refusal(socket);
      assert.equal(main.connected, true);
      socket.auth = {};
      socket.connect();
      await connected(socket);
      assert.deepEqual(await ask(socket, "passed"), [["first", "second", "third"]]);
    },

    async "an unexpected exception keeps its secret"(client) {
      for (const name of ["/fails", "/unspeakable"]) {
        const error = await refusal(client.open(name));
        assert.equal(error.message, "Internal server error");
        assert.equal(error.data, undefined);
      }
    },

    async "events wait for the middlewares"(client) {
      const [main, key] = [await client.connect(), fresh(client)];
      const socket = client.open("/slow", { auth: { key } });
      await ask(main, "until reached", "waiting", key);
      assert.equal(socket.connected, false);
      await ask(main, "let in", key);
      await connected(socket);
      await ask(main, "until reached", "connection", key);
    },

    async "a client that leaves meanwhile has never been there"(client) {
      const [main, key] = [await client.connect(), fresh(client)];
      const socket = client.open("/slow", { auth: { key } });
      await ask(main, "until reached", "waiting", key);
      socket.io.engine.close();
      await ask(main, "until closed", key);
      await ask(main, "let in", key);
      await ask(main, "until reached", "waited", key);
      assert.deepEqual(await ask(main, "reached", "connection", key), [0]);
    },

    async "middlewares of a socket pass and change events"(client) {
      const socket = await client.connect("/events");
      const bytes = Buffer.from([0, 255]);
      assert.deepEqual(await ask(socket, "change", 1, { bytes }), [{ bytes }, 1, "added"]);
      const plain = once(socket, "plain");
      assert.deepEqual(await ask(socket, "plain", 1, 2), []);
      assert.deepEqual(await plain, [1, 2]);
      const [noted] = await ask(socket, "seen");
      assert.deepEqual(noted, [["change", 1, { bytes }], ["plain", 1, 2], ["seen"]]);
    },

    async "middlewares of a socket refuse events"(client) {
      const socket = await client.connect("/events");
      let answered = false;
      const refused = once(socket, "refused");
      socket.emit("forbidden", () => (answered = true));
      assert.deepEqual(await refused, ["PermissionError", "forbidden"]);
      const [noted, passed] = await ask(socket, "seen");
      assert.deepEqual(noted, [["forbidden"], ["seen"]]);
      assert.deepEqual(passed, ["seen"]);
      assert.equal(answered, false);
    },

    async "middlewares of a socket keep the order of events"(client) {
      const socket = await client.connect("/events");
      const heard = [];
      socket.on("plain", (value) => heard.push(value));
      const sent = ["slow", 1, 2, "slow", 3];
      await Promise.all(sent.map((value) => ask(socket, "plain", value)));
      assert.deepEqual(heard, sent);
    },

    async "whoever is refused may be disconnected"(client) {
      const socket = await client.connect("/events", { auth: { strict: true } });
      const [refused, left] = [once(socket, "refused"), once(socket, "disconnect")];
      socket.emit("forbidden");
      assert.deepEqual(await refused, ["PermissionError", "forbidden"]);
      assert.equal((await left)[0], "io server disconnect");
    },
  },
  { settings: { path: "/middlewares" } },
);
