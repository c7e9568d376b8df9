// Dynamic namespaces: who makes them, what they inherit, broadcasts of their parent, cleaning up.

import assert from "node:assert/strict";
import { ask, connected, refusal, runCases } from "../cases.mjs";
import { once } from "../harness.mjs";

const CLEANUP = { path: "/namespaces-with-cleanup" };

/** A name that no other case uses. */
const fresh = (client, kind = "room") =>
  `/${kind}-${client.mode}-${Math.random().toString(36).slice(2)}`;

/** Sockets in namespaces of a connection of their own, and what each of them heard. */
async function members(client, ...names) {
  const sockets = await Promise.all(names.map((name) => client.connect(name)));
  const heard = sockets.map(() => []);
  sockets.forEach((socket, index) => socket.on("announced", (...args) => heard[index].push(args)));
  return { sockets, heard };
}

await runCases(
  {
    async "by a regular expression"(client) {
      const name = fresh(client);
      const socket = client.open(name);
      const welcome = once(socket, "welcome");
      await connected(socket);
      assert.deepEqual(await welcome, [name]);
      assert.deepEqual(await ask(socket, "where"), [[name, ["first", "second"]]]);
    },

    async "the expression must match the whole name"(client) {
      for (const name of [`${fresh(client)}/below`, `/x${fresh(client)}`, "/room-"]) {
        const error = await refusal(client.open(name));
        assert.equal(error.message, "Invalid namespace");
      }
    },

    async "by a function"(client) {
      const name = fresh(client, "tenant");
      const auth = { tenant: name.slice("/tenant-".length) };
      const socket = await client.connect(name, { auth });
      assert.deepEqual(await ask(socket, "where"), [[name, null]]);
      const unknown = fresh(client, "tenant");
      const other = await refusal(client.open(unknown, { auth }));
      assert.equal(other.message, "Invalid namespace");
      const failed = await refusal(client.open(unknown, { auth: {} })); // the function raises
      assert.equal(failed.message, "Invalid namespace");
    },

    async "by an asynchronous function"(client) {
      const name = fresh(client, "account");
      const socket = await client.connect(name, { auth: { allowed: true } });
      assert.deepEqual(await ask(socket, "where"), [[name, null]]);
      const unknown = fresh(client, "account");
      const error = await refusal(client.open(unknown, { auth: { allowed: false } }));
      assert.equal(error.message, "Invalid namespace");
    },

    async "a function is not asked about a namespace that exists"(client) {
      const name = fresh(client, "account");
      await client.connect(name, { auth: { allowed: true } });
      const socket = await client.connect(name);
      assert.deepEqual(await ask(socket, "where"), [[name, null]]);
    },

    async "a second try after a refusal"(client) {
      const name = fresh(client, "account");
      const socket = client.open(name);
      await refusal(socket);
      socket.auth = { allowed: true };
      socket.connect();
      await connected(socket);
      assert.deepEqual(await ask(socket, "where"), [[name, null]]);
    },

    async "parents are asked in their order, after names"(client) {
      const both = await client.connect(`${fresh(client)}-2`); // the last parent would take it too
      assert.deepEqual((await ask(both, "where"))[0][1], ["first", "second"]);
      const last = await client.connect(`${fresh(client, "other")}-2`);
      assert.deepEqual((await ask(last, "where"))[0][1], null);
      const named = await client.connect("/room-fixed");
      assert.deepEqual(await ask(named, "where"), [["/room-fixed", null]]);
    },

    async "an unknown namespace beside others"(client) {
      const main = await client.connect();
      const unknown = main.io.socket("/unknown");
      const room = main.io.socket(fresh(client));
      client.opened.push(unknown, room);
      const [error] = await Promise.all([refusal(unknown), connected(room)]);
      assert.equal(error.message, "Invalid namespace");
      assert.equal(error.data, undefined);
      assert.deepEqual(await ask(main, "made", "/unknown"), [0]);
    },

    async "inherited middlewares refuse"(client) {
      const name = fresh(client);
      const error = await refusal(client.open(name, { auth: { banned: true } }));
      assert.equal(error.message, "banned");
      assert.deepEqual(error.data, { from: name });
    },

    async "handlers that are registered later"(client) {
      const socket = await client.connect(fresh(client));
      const main = await client.connect();
      const event = `later ${client.mode}`;
      await ask(main, "register", event);
      assert.deepEqual(await ask(socket, event), [socket.nsp]);
      const another = await client.connect(fresh(client));
      assert.deepEqual(await ask(another, event), [another.nsp]);
    },

    async "a child has more, and other handlers"(client) {
      const [own, other] = [fresh(client), fresh(client)];
      await ask(await client.connect(), "customize", own);
      const socket = await client.connect(own);
      assert.deepEqual(await ask(socket, "where"), [[own, ["first", "second", "own"]]]);
      assert.deepEqual(await ask(socket, "tell", "é"), ["only here: é"]);
      const neighbour = await client.connect(other);
      assert.deepEqual(await ask(neighbour, "where"), [[other, ["first", "second"]]]);
      assert.deepEqual(await ask(neighbour, "tell", "é"), []);
    },

    async "children are apart"(client) {
      const [one, two] = [fresh(client), fresh(client)];
      const sockets = await Promise.all([one, one, two].map((name) => client.connect(name)));
      const heard = sockets.map(() => []);
      sockets.forEach((socket, index) => socket.on("told", (text) => heard[index].push(text)));
      await ask(sockets[0], "tell", "hello");
      await Promise.all(sockets.map((socket) => ask(socket, "where")));
      assert.deepEqual(heard, [["hello"], ["hello"], []]);
    },

    async "their parent reaches all of them"(client) {
      const { sockets, heard } = await members(client, ...[0, 1, 2].map(() => fresh(client)));
      const main = await client.connect();
      const room = `front ${client.mode}`;
      await Promise.all(sockets.slice(1).map((socket) => ask(socket, "join", room)));
      const bytes = Buffer.from([0, 255, 30]);
      await ask(main, "announce", [], [], client.mode, { bytes });
      await ask(main, "announce", [room], [], client.mode, "room");
      await ask(main, "announce", [], [room], client.mode, "others");
      await ask(main, "announce", [room], [sockets[2].id], client.mode, "one");
      await Promise.all(sockets.map((socket) => ask(socket, "where")));
      const own = heard.map((list) => list.filter(([mode]) => mode === client.mode));
      assert.deepEqual(
        own.map((list) => list.map(([, what]) => what)),
        [
          [{ bytes }, "others"],
          [{ bytes }, "room", "one"],
          [{ bytes }, "room"],
        ],
      );
    },

    async "their parent disconnects a room in all of them"(client) {
      const { sockets } = await members(client, ...[0, 1, 2].map(() => fresh(client)));
      const room = `back ${client.mode}`;
      await Promise.all(sockets.slice(1).map((socket) => ask(socket, "join", room)));
      const left = sockets.slice(1).map((socket) => once(socket, "disconnect"));
      await ask(await client.connect(), "close", room);
      for (const [reason] of await Promise.all(left)) assert.equal(reason, "io server disconnect");
      assert.deepEqual((await ask(sockets[0], "where"))[0][0], sockets[0].nsp);
    },

    async "new ones are announced, once"(client) {
      const main = await client.connect();
      const name = fresh(client);
      assert.deepEqual(await ask(main, "made", name), [0]);
      await Promise.all([0, 1, 2].map(() => client.connect(name)));
      assert.deepEqual(await ask(main, "made", name), [1]);
    },

    async "empty ones stay"(client) {
      const main = await client.connect();
      const name = fresh(client);
      const socket = await client.connect(name);
      socket.disconnect();
      await ask(main, "empty", name);
      assert.deepEqual(await ask(main, "exists", name), [true]);
      socket.connect();
      await connected(socket);
      assert.deepEqual(await ask(main, "made", name), [1]);
    },

    async "empty ones go, if so wished"(client) {
      const main = await client.connect("/", CLEANUP);
      const name = fresh(client);
      const [one, two] = await Promise.all([0, 1].map(() => client.connect(name, CLEANUP)));
      one.disconnect();
      assert.deepEqual(await ask(two, "where"), [[name, ["first", "second"]]]);
      assert.deepEqual(await ask(main, "exists", name), [true]);
      two.disconnect();
      assert.deepEqual(await ask(main, "gone", name), [true]);
      one.connect();
      await connected(one);
      assert.deepEqual(await ask(main, "made", name), [2]);
      assert.deepEqual(await ask(one, "where"), [[name, ["first", "second"]]]);
      one.io.engine.close();
      assert.deepEqual(await ask(main, "gone", name), [true]);
    },

    async "a refused client leaves no namespace behind"(client) {
      const name = fresh(client);
      await refusal(client.open(name, { ...CLEANUP, auth: { banned: true } }));
      const main = await client.connect("/", CLEANUP);
      assert.deepEqual(await ask(main, "gone", name), [true]);
    },
  },
  { settings: { path: "/namespaces" } },
);
