// What threads of the server send: plain handlers, threads of their own, routes.

import assert from "node:assert/strict";
import { ask, connected, runCases } from "../cases.mjs";
import { once, url } from "../harness.mjs";

const BYTES = Buffer.from([0, 255, 30]);

const fresh = (client) => `room ${client.mode} ${Math.random()}`;

/** Sockets in a room of their own, and what each of them hears. */
async function room(client, size, event = "said") {
  const name = fresh(client);
  const members = await Promise.all(Array.from({ length: size }, () => client.connect()));
  await Promise.all(members.map((member) => ask(member, "join", name)));
  const heard = members.map(() => []);
  members.forEach((member, index) => member.on(event, (...values) => heard[index].push(values)));
  return { name, members, heard };
}

async function post(path, query) {
  const response = await fetch(`${url}/threads${path}?${new URLSearchParams(query)}`, {
    method: "POST",
  });
  assert.equal(response.status, 200);
  return response.json();
}

await runCases(
  {
    async "a plain connection handler"(client) {
      const socket = client.open();
      const welcome = once(socket, "welcome");
      await connected(socket);
      assert.deepEqual(await welcome, [{ bytes: BYTES }]);
    },

    async "plain handlers emit and answer"(client) {
      const socket = await client.connect();
      const heard = [];
      socket.on("echo", (...values) => heard.push(values));
      const sent = Array.from({ length: 30 }, (_, index) => [index, { bytes: BYTES }]);
      const answers = [];
      for (const values of sent) {
        answers.push(await ask(socket, "echo", ...values));
        assert.equal(heard.length, answers.length); // the event before the answer
      }
      assert.deepEqual(answers, sent);
      assert.deepEqual(heard, sent);
    },

    async "they block nobody"(client) {
      const socket = await client.connect();
      const first = ask(socket, "meet");
      assert.deepEqual(await ask(socket, "alive"), []);
      await Promise.all([first, ask(socket, "meet")]);
    },

    async "what one thread sends keeps its order"(client) {
      const { name, members, heard } = await room(client, 2);
      members[0].on("message", (text) => heard[0].push([text]));
      assert.deepEqual(await ask(members[0], "say", name), ["answered"]);
      await ask(members[1], "alive");
      assert.deepEqual(heard, [
        [["to itself"], ["to the room", BYTES], ["a message"], ["last"]],
        [["to the room", BYTES], ["to the others"], ["to the others, in another way"]],
      ]);
    },

    async "rooms"(client) {
      const { name, members, heard } = await room(client, 2);
      const [one, two] = members;
      const other = fresh(client);
      assert.deepEqual(await ask(one, "find", name), [[one.id, two.id].sort()]);
      await ask(two, "leave", name);
      assert.deepEqual(await ask(two, "rooms"), [[two.id]]);
      await ask(one, "move", name, other);
      assert.deepEqual(await ask(one, "rooms"), [[one.id, other].sort()]);
      await ask(two, "alive");
      assert.deepEqual(heard, [[["moved"]], []]);
    },

    async "values may change afterwards"(client) {
      const { members, heard } = await room(client, 1);
      await ask(members[0], "change");
      const before = [[1], Buffer.from("before")];
      assert.deepEqual(heard, [[before, before]]);
    },

    async "errors are the caller's"(client) {
      const { members, heard } = await room(client, 1);
      const [errors] = await ask(members[0], "unspeakable");
      assert.deepEqual(errors, Array(4).fill("EncodeError"));
      assert.deepEqual(heard, [[]]);
    },

    async "questions"(client) {
      const socket = await client.connect();
      socket.on("question", (value, acknowledge) => acknowledge({ value }));
      assert.deepEqual(await ask(socket, "ask", BYTES), [{ value: BYTES }]);
    },

    async "disconnecting"(client) {
      const { members, heard } = await room(client, 1);
      const left = once(members[0], "disconnect");
      members[0].emit("leave me");
      assert.equal((await left)[0], "io server disconnect");
      assert.deepEqual(heard, [[["before"]]]);
    },

    async "many threads at once"(client) {
      const { members, heard } = await room(client, 1, "crowd");
      const [size, events] = [8, 20];
      await ask(members[0], "crowd", size, events);
      for (let number = 0; number < size; number++) {
        const own = heard[0].filter(([thread]) => thread === number);
        const bytes = Buffer.from([number]);
        const expected = Array.from({ length: events }, (_, event) => [
          [number, event, bytes, { same: bytes }],
          [number, event + 0.5, bytes],
        ]);
        assert.deepEqual(own, expected.flat());
      }
    },

    async "routes"(client) {
      for (const [path, inLoop] of [
        ["/emit", false],
        ["/emit-async", true],
      ]) {
        const { name, members, heard } = await room(client, 2, "route");
        const result = await post(path, { room: name, count: 20 });
        assert.deepEqual(result, { "in the event loop": inLoop });
        await Promise.all(members.map((member) => ask(member, "alive")));
        const expected = Array.from({ length: 20 }, (_, number) => [number, BYTES]);
        assert.deepEqual(heard, [expected, expected]);
      }
    },

    async "a route with results"(client) {
      const { name, members } = await room(client, 2);
      members.forEach((member) =>
        member.on("question", (from, acknowledge) => acknowledge(`${member.id} ${from}`)),
      );
      const ids = members.map(({ id }) => id).sort();
      const expected = { ids, answers: ids.map((id) => `${id} route`) };
      assert.deepEqual(await post("/ask", { room: name }), expected);
    },

    async "a route disconnects"(client) {
      const { name, members } = await room(client, 2);
      const left = members.map((member) => once(member, "disconnect"));
      await post("/disconnect", { room: name });
      for (const [reason] of await Promise.all(left)) {
        assert.equal(reason, "io server disconnect");
      }
    },
  },
  { settings: { path: "/threads/socket.io" } },
);
