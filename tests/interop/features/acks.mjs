// Acknowledgements: what handlers answer, what clients answer, and who does not.

import assert from "node:assert/strict";
import { ask, runCases } from "../cases.mjs";
import { once } from "../harness.mjs";

const BYTES = Buffer.from([0, 255, 30]);
const LONG = 600; // seconds: longer than a case may take

const RESULTS = {
  none: [],
  tuple: [1, { bytes: BYTES }, null, "é"],
  "empty tuple": [],
  "tuple of none": [null],
  list: [[1, [2]]],
  "empty list": [[]],
  false: [false],
  zero: [0],
  "empty text": [""],
  bytes: [BYTES],
};

/** Sockets in a room of their own, which answer with their number. */
async function room(client, size) {
  const name = `room ${client.mode} ${Math.random()}`;
  const members = await Promise.all(Array.from({ length: size }, () => client.connect()));
  await Promise.all(members.map((member) => ask(member, "join", name)));
  return { name, members };
}

const answerWith = (member, value) => member.on("question", (acknowledge) => acknowledge(value));

await runCases(
  {
    async "what a handler returns"(client) {
      const socket = await client.connect();
      for (const event of ["result", "result of a thread"]) {
        for (const [name, expected] of Object.entries(RESULTS)) {
          assert.deepEqual(await ask(socket, event, name), expected, `${event} ${name}`);
        }
      }
    },

    async "an answer that never comes"(client) {
      const socket = await client.connect();
      for (const event of ["nobody handles this", "later"]) {
        const answer = socket.timeout(100).emitWithAck(event);
        await assert.rejects(answer, { message: "operation has timed out" });
      }
      assert.deepEqual(await ask(socket, "alive"), []);
    },

    async "an answer that is an error"(client) {
      const socket = await client.connect();
      for (const [event, code] of [["raise", "internal"], ["too few", "validation"]]) {
        const answer = await socket.emitWithAck(event);
        assert.equal(answer.error.code, code);
      }
    },

    async "an answer that comes later"(client) {
      const socket = await client.connect();
      const answer = ask(socket, "later");
      await ask(socket, "alive"); // the handler has returned
      await ask(socket, "now", { bytes: BYTES }, "é");
      assert.deepEqual(await answer, [{ bytes: BYTES }, "é"]);
      await ask(socket, "now", "a second answer is ignored");
      socket.emit("later"); // without an acknowledgement
      await ask(socket, "now", "nobody waits for it");
      assert.deepEqual(await ask(socket, "alive"), []);
    },

    async "an answer after the time-out of the client"(client) {
      const socket = await client.connect();
      await assert.rejects(socket.timeout(50).emitWithAck("later"));
      await ask(socket, "now", "too late");
      assert.deepEqual(await ask(socket, "alive"), []);
    },

    async "the first value of the client's answer"(client) {
      const socket = await client.connect();
      const answers = [[], [null], [0], [{ bytes: BYTES }], ["é", 2]];
      for (const values of answers) {
        socket.once("question", (acknowledge) => acknowledge(...values));
        assert.deepEqual(await ask(socket, "ask", 15), [{ answer: values[0] ?? null }]);
      }
    },

    async "all values of the client's answer"(client) {
      const socket = await client.connect();
      for (const values of [[], [null], [1, "two", [3]], [{ bytes: BYTES }, BYTES], ["é", 2]]) {
        socket.once("question", (acknowledge) => acknowledge(...values));
        assert.deepEqual(await ask(socket, "ask for values", 15), [{ answer: values }]);
      }
    },

    async "all values of all answers"(client) {
      const { name, members } = await room(client, 3);
      members.forEach((member, number) =>
        member.on("question", (acknowledge) => acknowledge(number, BYTES, "é")),
      );
      const [{ answer }] = await ask(members[0], "ask all for values", name, 15);
      assert.deepEqual(
        answer.toSorted(([one], [other]) => one - other),
        members.map((_, number) => [number, BYTES, "é"]),
      );
    },

    async "the client does not answer in time"(client) {
      const socket = await client.connect();
      const question = once(socket, "question");
      const [outcome] = await ask(socket, "ask", 0.05);
      assert.deepEqual(outcome, { event: "question", error: "AckTimeout" });
      const [acknowledge] = await question;
      acknowledge("too late");
      answerWith(socket, "in time");
      assert.deepEqual(await ask(socket, "ask", 15), [{ answer: "in time" }]);
    },

    async "the client leaves: the question fails at once"(client) {
      const ways = {
        "the namespace": (socket) => socket.disconnect(),
        "the connection": (socket) => socket.io.engine.close(),
      };
      const observer = await client.connect();
      for (const [name, leave] of Object.entries(ways)) {
        const socket = await client.connect();
        socket.on("question", () => leave(socket));
        const [outcome] = await ask(observer, "ask other", socket.id, LONG);
        assert.deepEqual(outcome, { event: "question", error: "ClientDisconnected" }, name);
      }
    },

    async "all of a room answer"(client) {
      const { name, members } = await room(client, 3);
      members.forEach((member, index) =>
        member.on("question", (value, acknowledge) => acknowledge({ index, value })),
      );
      const [{ answer }] = await ask(members[0], "ask all", name, 15, BYTES);
      answer.sort((one, two) => one.index - two.index);
      assert.deepEqual(
        answer,
        [0, 1, 2].map((index) => ({ index, value: BYTES })),
      );
      assert.deepEqual(await ask(members[0], "ask all", "nobody's", LONG), [{ answer: [] }]);
    },

    async "some of a room answer in time"(client) {
      const { name, members } = await room(client, 4);
      answerWith(members[0], "zero");
      answerWith(members[1], "one");
      members[2].on("question", () => members[2].disconnect());
      const [{ replies, ...rest }] = await ask(members[0], "ask all", name, 2);
      assert.deepEqual(replies.sort(), ["one", "zero"]);
      assert.deepEqual(rest, { event: "question", missing: 2, left: 1 });
    },

    async "whoever leaves a room is not waited for"(client) {
      const { name, members } = await room(client, 3);
      answerWith(members[0], "zero");
      answerWith(members[1], "one");
      members[2].on("question", () => members[2].io.engine.close());
      const [{ replies, ...rest }] = await ask(members[0], "ask all", name, LONG);
      assert.deepEqual(replies.sort(), ["one", "zero"]);
      assert.deepEqual(rest, { event: "question", missing: 1, left: 1 });
    },

    async "questions with modifiers in every order"(client) {
      const socket = await client.connect();
      socket.on("question", (number, acknowledge) => acknowledge(number));
      const [single] = await ask(socket, "chained questions", "socket");
      assert.deepEqual(single, [0, 1, 2, 3, 4, 5]);
      for (const start of ["server", "namespace"]) {
        const [answers] = await ask(socket, "chained questions", start);
        assert.equal(answers.length, 48);
        assert.deepEqual(
          answers,
          answers.map((_, index) => [index]),
        );
      }
    },

    async "events with modifiers in every order"(client) {
      const socket = await client.connect();
      const heard = [];
      socket.on("event", (...values) => heard.push(values));
      for (const start of ["socket", "server", "namespace"]) {
        const [count] = await ask(socket, "chained events", start);
        assert.deepEqual(
          heard.splice(0),
          Array.from({ length: count }, (_, index) => [index, BYTES]),
        );
      }
    },

    async "the time-out in a chain"(client) {
      const socket = await client.connect();
      const [outcomes] = await ask(socket, "short questions");
      const single = { event: "silence", error: "AckTimeout" };
      const all = { event: "silence", replies: [], missing: 1, left: 0 };
      assert.deepEqual(outcomes, [single, single, all, all]);
    },
  },
  { settings: { path: "/acks" } },
);
