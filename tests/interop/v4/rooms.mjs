// Rooms and broadcasts: who gets an event, exactly once.

import assert from "node:assert/strict";
import { ask, runCases } from "../cases.mjs";

/** Four sockets; `hears(plan)` tells which of them got the event that the first one asked for. */
async function party(client) {
  const members = await Promise.all([0, 1, 2, 3].map(() => client.connect("/chat")));
  const rooms = ["red", "blue"].map((room) => `${room} ${client.mode}`);
  const [red, blue] = rooms;
  await ask(members[0], "join", red);
  await ask(members[1], "join", red, blue);
  await ask(members[2], "join", blue);
  const heard = members.map(() => []);
  members.forEach((member, index) => member.on("said", (...args) => heard[index].push(args)));

  async function hears(plan, ...args) {
    heard.forEach((list) => list.splice(0));
    const mark = [`${client.mode} ${Math.random()}`, ...args];
    await ask(members[0], "say", plan, ...mark);
    // What was sent before an acknowledgement comes before it.
    await Promise.all(members.map((member) => ask(member, "nothing")));
    return heard.map((list) => {
      const own = list.filter(([text]) => text === mark[0]); // others use the namespace as well
      own.forEach((list) => assert.deepEqual(list, mark));
      return own.length;
    });
  }
  return { members, red, blue, hears };
}

await runCases({
  async "joining and leaving"(client) {
    const socket = await client.connect();
    assert.deepEqual(await ask(socket, "join", "a", "b"), [["a", "b", socket.id].sort()]);
    assert.deepEqual(await ask(socket, "leave", "a"), [["b", socket.id].sort()]);
  },

  async "to everybody"(client) {
    const { hears } = await party(client);
    assert.deepEqual(await hears({ from: "namespace" }), [1, 1, 1, 1]);
    assert.deepEqual(await hears({ from: "broadcast" }), [0, 1, 1, 1]);
  },

  async "to rooms"(client) {
    const { members, red, blue, hears } = await party(client);
    assert.deepEqual(await hears({ from: "namespace", to: [red] }), [1, 1, 0, 0]);
    assert.deepEqual(await hears({ from: "namespace", to: [red, blue] }), [1, 1, 1, 0]);
    assert.deepEqual(await hears({ from: "socket", to: [red] }), [0, 1, 0, 0]);
    assert.deepEqual(await hears({ from: "socket", to: [red, blue] }), [0, 1, 1, 0]);
    assert.deepEqual(await hears({ from: "namespace", to: ["nobody's"] }), [0, 0, 0, 0]);
    assert.deepEqual(await hears({ from: "namespace", to: [members[3].id] }), [0, 0, 0, 1]);
    await ask(members[1], "leave", red);
    assert.deepEqual(await hears({ from: "namespace", to: [red] }), [1, 0, 0, 0]);
  },

  async "all but some"(client) {
    const { members, red, blue, hears } = await party(client);
    const except = [red];
    assert.deepEqual(await hears({ from: "namespace", except }), [0, 0, 1, 1]);
    assert.deepEqual(await hears({ from: "namespace", to: [blue], except }), [0, 0, 1, 0]);
    assert.deepEqual(await hears({ from: "broadcast", except: [members[3].id] }), [0, 1, 1, 0]);
  },

  async "binary to rooms"(client) {
    const { red, hears } = await party(client);
    const bytes = Buffer.from([0, 255, 30]);
    assert.deepEqual(await hears({ from: "namespace", to: [red] }, { bytes }), [1, 1, 0, 0]);
  },

  async "a question to a room"(client) {
    const { members, blue } = await party(client);
    const bytes = Buffer.from([0, 255, 30]);
    members.forEach((member, index) =>
      member.on("question", (value, acknowledge) => acknowledge([index, value])),
    );
    const [answers] = await ask(members[0], "ask all", blue, { bytes });
    answers.sort();
    assert.deepEqual(answers, [
      [1, { bytes }],
      [2, { bytes }],
    ]);
    assert.deepEqual(await ask(members[0], "ask all", "nobody's", 1), [[]]);
  },

  async "from another connection"(client) {
    const { members, red } = await party(client);
    const other = await client.connect("/chat");
    const hello = `hello ${client.mode}`; // others use the namespace as well
    const heard = (member) =>
      new Promise((done) => member.on("said", (text) => text === hello && done()));
    const all = Promise.all(members.slice(0, 2).map(heard));
    await ask(other, "say", { from: "socket", to: [red] }, hello);
    await all;
  },

  async "a socket that left is in no room"(client) {
    const { members, blue, hears } = await party(client);
    members[2].disconnect().connect();
    assert.deepEqual(await hears({ from: "namespace", to: [blue] }), [0, 1, 0, 0]);
  },
});
