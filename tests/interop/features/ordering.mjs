// Whether handlers of one client overlap.

import assert from "node:assert/strict";
import { ask, runCases } from "../cases.mjs";
import { sleep } from "../harness.mjs";

// Handlers that are ordered by themselves, or by their namespace.
const NAMESPACES = ["/", "/decorated", "/class"];

/**
 * Send work, and say what the handlers have begun when all of it is there.
 *
 * `answered` waits for a number of answers. A handler's entry in the log does not mean that its
 * answer was sent: a plain function's is sent when its thread has handed the result back.
 */
async function start(socket, ...work) {
  const answers = [];
  for (const [event, name] of work) socket.emit(event, name, (answer) => answers.push(answer));
  const [log] = await ask(socket, "log"); // handlers start in order
  const answered = async (count) => {
    while (answers.length < count) await sleep(1);
    return answers;
  };
  return { log, answered };
}

/** Let work end. */
const end = (socket, name) => ask(socket, "end", name);

/** Wait until the handlers have done this, and nothing else. */
async function reached(socket, ...entries) {
  assert.deepEqual(await ask(socket, "reached", ...entries), [entries]);
}

async function oneAfterAnother(socket, event = "work") {
  const { answered } = await start(socket, [event, "a"], [event, "b"], [event, "c"]);
  await reached(socket, "+a");
  await end(socket, "b"); // it has not begun
  await reached(socket, "+a");
  await end(socket, "a");
  await reached(socket, "+a", "-a", "+b", "-b", "+c");
  await end(socket, "c");
  await reached(socket, "+a", "-a", "+b", "-b", "+c", "-c");
  assert.deepEqual(await answered(3), ["a", "b", "c"]);
}

await runCases(
  {
    async "ordered: one after another"(client) {
      for (const name of NAMESPACES) {
        const socket = await client.connect(name);
        assert.deepEqual((await start(socket, ["work", "1"], ["work", "2"])).log, ["+1"]);
        await oneAfterAnother(await client.connect(name));
      }
    },

    async "ordered, in threads"(client) {
      await oneAfterAnother(await client.connect(), "thread work");
    },

    async "not ordered: they start in order, and overlap"(client) {
      for (const name of NAMESPACES) {
        const socket = await client.connect(name);
        const names = Array.from({ length: 20 }, (_, index) => String(index));
        const { log, answered } = await start(socket, ...names.map((name) => ["free work", name]));
        assert.deepEqual(
          log,
          names.map((name) => `+${name}`),
        );
        const ended = [...names].reverse();
        for (const [index, name] of ended.entries()) {
          await end(socket, name);
          assert.deepEqual(await answered(index + 1), ended.slice(0, index + 1));
        }
      }
    },

    async "ordered handlers share one queue, which others do not wait in"(client) {
      for (const name of NAMESPACES) {
        const socket = await client.connect(name);
        const { log } = await start(
          socket,
          ["work", "a"],
          ["more work", "b"],
          ["free work", "c"],
          ["free work", "d"],
        );
        assert.deepEqual(log, ["+a", "+c", "+d"]);
        await end(socket, "d");
        await end(socket, "a");
        await reached(socket, "+a", "+c", "+d", "-d", "-a", "+b");
      }
    },

    async "an exception lets the next one begin"(client) {
      const socket = await client.connect();
      const { answered } = await start(socket, ["failing work", "a"], ["work", "b"]);
      await end(socket, "a");
      await end(socket, "b");
      await reached(socket, "+a", "-a", "+b", "-b");
      const [failed, next] = await answered(2);
      assert.equal(failed.error.code, "internal");
      assert.equal(next, "b");
    },

    async "other clients do not wait"(client) {
      const [one, two] = await Promise.all([0, 1].map(() => client.connect()));
      assert.deepEqual((await start(one, ["work", "a"])).log, ["+a"]);
      await end(two, "b");
      assert.deepEqual(await ask(two, "work", "b"), ["b"]);
      assert.deepEqual(await ask(one, "log"), [["+a"]]);
    },
  },
  { settings: { path: "/ordering" } },
);
