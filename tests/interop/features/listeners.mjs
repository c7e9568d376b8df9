// Listeners of one socket on the server: of one event, and catch-all ones for both directions.

import assert from "node:assert/strict";
import { ask, connected, runCases } from "../cases.mjs";
import { once } from "../harness.mjs";

const BYTES = Buffer.from([0, 255, 30]);

/** What the listeners noted since the last time. */
const log = async (socket) => (await ask(socket, "log"))[0];

await runCases(
  {
    async "on and off"(client) {
      const socket = await client.connect();
      await ask(socket, "listen", "tick", "one");
      await ask(socket, "listen", "tick", "two");
      await ask(socket, "listen", "tock", "three");
      assert.deepEqual(await ask(socket, "event names"), [["tick", "tock"]]);
      socket.emit("tick", 1, { bytes: BYTES });
      socket.emit("tock");
      assert.deepEqual(await log(socket), [
        ["one", 1, { bytes: BYTES }],
        ["two", 1, { bytes: BYTES }],
        ["three"],
      ]);
      await ask(socket, "unlisten", "tick", "one");
      await ask(socket, "unlisten", "tick", "one"); // it is not there any more
      socket.emit("tick", 2);
      assert.deepEqual(await log(socket), [["two", 2]]);
      await ask(socket, "unlisten all", "tick");
      socket.emit("tick", 3);
      socket.emit("tock", 4);
      assert.deepEqual(await log(socket), [["three", 4]]);
      await ask(socket, "unlisten all");
      socket.emit("tock", 5);
      assert.deepEqual(await log(socket), []);
      assert.deepEqual(await ask(socket, "event names"), [[]]);
    },

    async "once"(client) {
      const socket = await client.connect();
      await ask(socket, "listen", "tick", "once", true);
      await ask(socket, "listen", "tick", "always");
      for (const number of [1, 2, 3]) socket.emit("tick", number);
      assert.deepEqual(await log(socket), [
        ["once", 1],
        ["always", 1],
        ["always", 2],
        ["always", 3],
      ]);
      await ask(socket, "listen", "tick", "taken off", true);
      await ask(socket, "unlisten", "tick", "taken off");
      socket.emit("tick", 4);
      assert.deepEqual(await log(socket), [["always", 4]]);
    },

    async "listeners beside the handler of the namespace"(client) {
      const socket = await client.connect();
      await ask(socket, "listen", "both", "one");
      await ask(socket, "listen", "both", "two", true);
      assert.deepEqual(await ask(socket, "both", 1), ["handler"]);
      assert.deepEqual(await ask(socket, "both", 2), ["handler"]);
      assert.deepEqual(await log(socket), [
        ["one", 1],
        ["two", 1],
        ["handler", 1],
        ["one", 2],
        ["handler", 2],
      ]);
    },

    async "the first answer counts"(client) {
      const socket = await client.connect();
      await ask(socket, "listen and answer", "both");
      assert.deepEqual(await ask(socket, "both", BYTES), ["listener", BYTES]);
      await ask(socket, "unlisten all", "both");
      assert.deepEqual(await ask(socket, "both", BYTES), ["handler"]);
    },

    async "listeners without a handler"(client) {
      const socket = await client.connect();
      await ask(socket, "listen", "mine", "one"); // what it returns is no answer
      let answered = false;
      socket.emit("mine", () => (answered = true));
      assert.deepEqual(await log(socket), [["one"]]);
      assert.equal(answered, false);
      await ask(socket, "listen and answer", "mine");
      assert.deepEqual(await ask(socket, "mine", 1), ["listener", 1]);
    },

    async "a plain function"(client) {
      const socket = await client.connect();
      await ask(socket, "listen in a thread", "work");
      const emitted = once(socket, "from a thread");
      assert.deepEqual(await ask(socket, "work", { bytes: BYTES }), []);
      assert.deepEqual(await emitted, [{ bytes: BYTES }]);
    },

    async "they belong to one socket"(client) {
      const [one, two] = await Promise.all([0, 1].map(() => client.connect()));
      await ask(one, "listen", "both", "one");
      await ask(one, "watch", "in", "any");
      await ask(two, "both");
      assert.deepEqual(await log(two), [["handler"]]);
      one.disconnect().connect();
      await connected(one);
      assert.deepEqual(await ask(one, "event names"), [[]]);
      assert.deepEqual(await ask(one, "watchers", "in"), [[]]);
      await ask(one, "both");
      assert.deepEqual(await log(one), [["handler"]]);
    },

    async "everything that comes"(client) {
      const socket = await client.connect();
      await ask(socket, "watch", "in", "one");
      await ask(socket, "watch", "in", "two", true);
      assert.deepEqual(await ask(socket, "watchers", "in"), [["two", "one"]]);
      await log(socket);
      await ask(socket, "both", 1, { bytes: BYTES });
      socket.emit("nobody handles this", "é");
      socket.emit("connection"); // an event like others, when a client sends it
      assert.deepEqual(await log(socket), [
        ["two", "both", 1, { bytes: BYTES }],
        ["one", "both", 1, { bytes: BYTES }],
        ["handler", 1, { bytes: BYTES }],
        ["two", "nobody handles this", "é"],
        ["one", "nobody handles this", "é"],
        ["two", "connection"],
        ["one", "connection"],
        ["two", "log"],
        ["one", "log"],
      ]);
      await ask(socket, "unwatch", "in", "one");
      assert.deepEqual(await ask(socket, "watchers", "in"), [["two"]]);
      await ask(socket, "watch", "in", "three");
      await ask(socket, "unwatch", "in");
      assert.deepEqual(await ask(socket, "watchers", "in"), [[]]);
      await log(socket);
      socket.emit("nobody handles this");
      assert.deepEqual(await log(socket), []);
    },

    async "everything that goes"(client) {
      const [socket, other] = await Promise.all([0, 1].map(() => client.connect()));
      socket.on("sent", (...values) => values.at(-1)?.call?.(null, "an answer"));
      for (const member of [socket, other]) {
        await ask(member, "watch", "out", "one");
        await ask(member, "watch", "out", "two", true);
      }
      assert.deepEqual(await ask(socket, "watchers", "out"), [["two", "one"]]);
      await ask(socket, "send", other.id, "sent", { bytes: BYTES });
      const twice = (list) =>
        list.flatMap((entry) => [
          ["two", ...entry],
          ["one", ...entry],
        ]);
      assert.deepEqual(
        await log(socket),
        twice([
          ["sent", "emit", { bytes: BYTES }],
          ["message", "send", { bytes: BYTES }],
          ["sent", "room", { bytes: BYTES }],
          ["sent", "question"],
        ]),
      );
      assert.deepEqual(
        await log(other),
        twice([
          ["sent", "room", { bytes: BYTES }],
          ["sent", "others"],
        ]),
      );
      await ask(socket, "unwatch", "out", "two");
      assert.deepEqual(await ask(socket, "watchers", "out"), [["one"]]);
      await ask(socket, "unwatch", "out");
      assert.deepEqual(await ask(socket, "watchers", "out"), [[]]);
      await ask(socket, "send", other.id, "sent");
      assert.deepEqual(await log(socket), []);
    },

    async "catch-all, middleware, listener, handler"(client) {
      const socket = await client.connect();
      await ask(socket, "watch", "in", "any");
      await ask(socket, "listen", "both", "listener");
      await ask(socket, "change events", "both");
      await log(socket);
      assert.deepEqual(await ask(socket, "both", 1), ["handler"]);
      assert.deepEqual((await log(socket)).slice(0, -1), [
        ["any", "both", 1],
        ["middleware", 1],
        ["listener", 1, "changed"],
        ["handler", 1, "changed"],
      ]);
    },
  },
  { settings: { path: "/listeners" } },
);
