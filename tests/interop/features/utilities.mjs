// Looking sockets up, moving them between rooms, disconnecting them.

import assert from "node:assert/strict";
import { ask, connected, runCases } from "../cases.mjs";
import { once } from "../harness.mjs";

const BYTES = Buffer.from([0, 255, 30]);
const ROOMS = { a: ["red"], b: ["red", "blue"], c: ["blue"], d: [] };
const ALL = { from: "namespace" };
const SERVER_LEFT = "io server disconnect";

/** Four sockets in a namespace of their own; `who(plan)` says which of them are chosen by "a". */
async function party(client, settings = {}) {
  const namespace = `/party-${client.mode}-${Math.random()}`;
  const entries = Object.entries(ROOMS).map(async ([name, rooms]) => {
    const auth = { name, rooms };
    return [name, await client.connect(namespace, { auth, query: { name }, ...settings })];
  });
  const members = Object.fromEntries(await Promise.all(entries));
  const { a } = members;

  const find = async (plan) => (await ask(a, "find", plan))[0];
  async function who(plan) {
    const names = (await find(plan)).map(({ id, data }) => {
      assert.equal(members[data.name].id, id);
      return data.name;
    });
    return names.sort().join("");
  }
  return { members, ...members, find, who };
}

/** Which of the sockets are connected. */
const present = (members) =>
  Object.keys(members)
    .filter((name) => members[name].connected)
    .join("");

/** The main namespace on the connection of each socket. */
async function mains(client, members) {
  const entries = Object.entries(members).map(async ([name, member]) => {
    const main = member.io.socket("/");
    client.opened.push(main);
    await connected(main);
    return [name, main];
  });
  return Object.fromEntries(await Promise.all(entries));
}

await runCases(
  {
    async "what is known of a socket"(client) {
      const start = Date.now() / 1000;
      const { c, find } = await party(client, { extraHeaders: { "X-Custom": "abc" } });
      const [{ issued, ...found }] = await find({ from: "namespace", to: [c.id] });
      assert.equal(found.query.EIO, "4");
      assert.deepEqual(found, {
        id: c.id,
        rooms: ["blue", c.id].sort(),
        data: { name: "c" },
        auth: { name: "c", rooms: ["blue"] },
        query: { ...found.query, name: "c" },
        custom: "abc",
        address: "127.0.0.1",
      });
      assert.ok(Math.abs(issued - start) < 60, `${issued}`);
    },

    async "choices"(client) {
      const { a, c, d, who } = await party(client);
      const choices = [
        ["abcd", { from: "namespace" }],
        ["bcd", { from: "broadcast" }],
        ["ab", { from: "namespace", to: ["red"] }],
        ["abc", { from: "namespace", to: ["red", "blue"] }],
        ["b", { from: "socket", to: ["red"] }],
        ["cd", { from: "namespace", except: ["red"] }],
        ["d", { from: "namespace", except: ["red", "blue"] }],
        ["a", { from: "namespace", to: ["red"], except: ["blue"] }],
        ["ad", { from: "namespace", to: [a.id, d.id] }],
        ["abd", { from: "namespace", except: [c.id] }],
        ["", { from: "namespace", to: ["nobody's"] }],
      ];
      for (const [names, plan] of choices) assert.equal(await who(plan), names);
    },

    async "joining"(client) {
      const { a, c, who } = await party(client);
      await ask(a, "join", ALL, "all");
      await ask(a, "join", { from: "namespace", to: ["red"] }, "green", "yellow");
      await ask(a, "join", { from: "namespace", to: ["blue"], except: ["red"] }, "only c");
      await ask(a, "join", { from: "broadcast" }, "others");
      const members = ["all", "green", "yellow", "only c", "others"].map((room) =>
        who({ from: "namespace", to: [room] }),
      );
      assert.deepEqual(await Promise.all(members), ["abcd", "ab", "ab", "c", "bcd"]);
      const told = once(c, "told");
      await ask(a, "find", { from: "namespace", to: ["only c"] });
      await ask(a, "remote emit", c.id, "hello");
      assert.deepEqual(await told, ["hello"]);
    },

    async "leaving"(client) {
      const { a, who } = await party(client);
      await ask(a, "leave", { from: "namespace", to: ["red"], except: ["blue"] }, "red");
      assert.equal(await who({ from: "namespace", to: ["red"] }), "b");
      await ask(a, "leave", ALL, "red", "blue");
      assert.equal(await who({ from: "namespace", to: ["red", "blue"] }), "");
      assert.equal(await who(ALL), "abcd");
    },

    async "disconnecting from the namespace"(client) {
      const { a, d, members, who } = await party(client);
      const others = await mains(client, members);
      const left = ["b", "c"].map((name) => once(members[name], "disconnect"));
      await ask(a, "disconnect them", { from: "socket", to: ["red", "blue"] }, false);
      for (const [reason] of await Promise.all(left)) assert.equal(reason, SERVER_LEFT);
      assert.equal(await who(ALL), "ad");
      await Promise.all([a, d, ...Object.values(others)].map((socket) => ask(socket, "alive")));
      assert.equal(present(members), "ad");
      assert.equal(present(others), "abcd");
    },

    async "closing connections"(client) {
      const { a, b, members, who } = await party(client);
      const others = await mains(client, members);
      const gone = ["c", "d"].flatMap((name) => [members[name], others[name]]);
      const left = gone.map((socket) => once(socket, "disconnect"));
      const closed = ["c", "d"].map((name) => once(members[name].io, "close"));
      await ask(a, "disconnect them", { from: "namespace", except: ["red"] }, true);
      for (const [reason] of await Promise.all(left)) assert.equal(reason, SERVER_LEFT);
      await Promise.all(closed);
      assert.equal(await who(ALL), "ab");
      await Promise.all([a, b, others.a, others.b].map((socket) => ask(socket, "alive")));
      assert.equal(present(members), "ab");
      assert.equal(present(others), "ab");
    },

    async "everybody leaves, the one who wished it as well"(client) {
      const { a, members } = await party(client);
      const left = Object.values(members).map((member) => once(member, "disconnect"));
      a.emit("disconnect them", ALL, false);
      for (const [reason] of await Promise.all(left)) assert.equal(reason, SERVER_LEFT);
    },

    async "sending to one that was found"(client) {
      const { a, b, members, find } = await party(client);
      const heard = [];
      for (const [name, member] of Object.entries(members)) {
        member.on("told", (...values) => heard.push([name, ...values]));
      }
      await find(ALL);
      await ask(a, "remote emit", b.id, "é", { bytes: BYTES });
      await Promise.all(Object.values(members).map((member) => ask(member, "alive")));
      assert.deepEqual(heard, [["b", "é", { bytes: BYTES }]]);
    },

    async "asking one that was found"(client) {
      const { a, b, c, d, find } = await party(client);
      await find(ALL);
      b.on("question", (value, acknowledge) => acknowledge({ b: value }, "surplus"));
      assert.deepEqual(await ask(a, "remote ask", b.id, 15, BYTES), [{ b: BYTES }]);
      c.on("question", () => c.disconnect());
      const gone = { error: "ClientDisconnected" };
      const { id } = c;
      assert.deepEqual(await ask(a, "remote ask", id, 600, 1), [gone]); // at once
      assert.deepEqual(await ask(a, "remote ask", id, 600, 1), [gone]);
      assert.deepEqual(await ask(a, "remote ask", d.id, 0.05, 1), [{ error: "AckTimeout" }]);
    },

    async "moving one that was found"(client) {
      const { a, d, find, who } = await party(client);
      await find(ALL);
      await ask(a, "remote join", d.id, "red", "green");
      assert.equal(await who({ from: "namespace", to: ["red"] }), "abd");
      assert.equal(await who({ from: "namespace", to: ["green"] }), "d");
      await ask(a, "remote leave", d.id, "red");
      assert.equal(await who({ from: "namespace", to: ["red"] }), "ab");
    },

    async "disconnecting one that was found"(client) {
      const { a, b, c, members, find } = await party(client);
      const others = await mains(client, members);
      await find(ALL);
      const [one, two, connection] = [
        once(b, "disconnect"),
        once(c, "disconnect"),
        once(c.io, "close"),
      ];
      await ask(a, "remote disconnect", b.id, false);
      await ask(a, "remote disconnect", c.id, true);
      assert.equal((await one)[0], SERVER_LEFT);
      assert.equal((await two)[0], SERVER_LEFT);
      await connection;
      await ask(others.b, "alive");
      assert.equal(present(others), "abd");
      assert.equal(present(members), "ad");
    },
  },
  { settings: { path: "/utilities" } },
);
