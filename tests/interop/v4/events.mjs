// Events and acknowledgements in both directions: JSON, binary, several values.

import assert from "node:assert/strict";
import { ask, runCases } from "../cases.mjs";
import { once } from "../harness.mjs";
import { BROKEN_TEXTS, VALUES } from "../values.mjs";

const ALL_BYTES = Buffer.from(Array.from({ length: 256 }, (_, index) => index));

/** Send values as one event: they must come back as an event and as its acknowledgement. */
async function comesBack(socket, sent, expected = sent) {
  const echo = once(socket, "echo");
  const answer = ask(socket, "echo", ...sent);
  assert.deepEqual(await echo, expected);
  assert.deepEqual(await answer, expected);
}

await runCases({
  async "each value alone"(client) {
    const socket = await client.connect();
    const heard = [];
    socket.on("echo", (...values) => heard.push(values));
    const answers = await Promise.all(VALUES.map((value) => ask(socket, "echo", value)));
    const expected = VALUES.map((value) => [value]);
    assert.deepEqual(answers, expected);
    assert.deepEqual(heard, expected); // in order
  },

  async "several values, or none"(client) {
    const socket = await client.connect();
    await comesBack(socket, VALUES);
    await comesBack(socket, []);
    await comesBack(socket, [undefined, 1], [null, 1]);
  },

  async "text that is no valid Unicode"(client) {
    await comesBack(await client.connect(), BROKEN_TEXTS);
  },

  async "binary at any depth"(client) {
    const socket = await client.connect();
    const part = new Uint8Array(ALL_BYTES.buffer, ALL_BYTES.byteOffset + 250, 3);
    const sent = [
      ALL_BYTES,
      { a: [{ b: ALL_BYTES.buffer.slice(0, 3) }, "é", null], part },
      [[[Buffer.alloc(0)]]],
      new Uint16Array([1, 256]),
    ];
    await comesBack(socket, sent, [
      ALL_BYTES,
      { a: [{ b: Buffer.from(ALL_BYTES.buffer.slice(0, 3)) }, "é", null], part: Buffer.from(part) },
      [[[Buffer.alloc(0)]]],
      Buffer.from([1, 0, 0, 1]),
    ]);
  },

  async "binary beside text that looks like its place"(client) {
    const sent = [{ _placeholder: "no", num: 0 }, Buffer.from("x"), "\ud83d", 1e20];
    await comesBack(await client.connect(), sent);
  },

  async "ten attachments"(client) {
    const sent = Array.from({ length: 10 }, (_, index) => Buffer.alloc(index * 100, index));
    await comesBack(await client.connect(), sent);
  },

  async "binary events keep their order"(client) {
    const socket = await client.connect();
    const heard = [];
    socket.on("echo", (number) => heard.push(number));
    const numbers = Array.from({ length: 60 }, (_, index) => index);
    await Promise.all(
      numbers.map((index) => ask(socket, "echo", index, ...(index % 3 ? [] : [ALL_BYTES]))),
    );
    assert.deepEqual(heard, numbers);
  },

  async "acknowledgements by the server"(client) {
    const socket = await client.connect();
    assert.deepEqual(await ask(socket, "nothing"), []);
    assert.equal(await socket.emitWithAck("nothing", 1), undefined);
    assert.equal(await socket.timeout(10_000).emitWithAck("echo", "é"), "é");
    const before = once(socket, "before");
    assert.deepEqual(await ask(socket, "later", 1, ALL_BYTES), [1, ALL_BYTES]);
    await before;
    await assert.rejects(socket.timeout(100).emitWithAck("unknown event"), /has timed out/);
  },

  async "acknowledgements by the client"(client) {
    const socket = await client.connect();
    const heard = [];
    const replies = { value: ["é"], none: [], several: [1, 2], binary: [{ a: [ALL_BYTES] }] };
    socket.on("question", (kind, extra, acknowledge) => {
      heard.push(extra);
      acknowledge(...replies[kind]);
    });
    assert.deepEqual(await ask(socket, "ask", "value", [1]), [["é"]]);
    assert.deepEqual(await ask(socket, "ask", "none", ALL_BYTES), [[null]]);
    assert.deepEqual(await ask(socket, "ask", "several", null), [[1]]);
    assert.deepEqual(await ask(socket, "ask", "binary", "x"), [[{ a: [ALL_BYTES] }]]);
    assert.deepEqual(heard, [[1], ALL_BYTES, null, "x"]);
  },

  async "names that could mean something else"(client) {
    const socket = await client.connect("/chat");
    for (const name of ["connection", "error", "__proto__", "ping", "message", ""]) {
      socket.emit(name, 1);
    }
    assert.deepEqual(await ask(socket, "echo", "alive"), ["alive"]);
  },

  async "volatile events"(client) {
    const socket = await client.connect();
    const heard = [];
    socket.on("volatile", (number) => heard.push(number));
    await ask(socket, "burst", 50);
    assert.deepEqual(heard, [...heard].sort((one, two) => one - two));
    if (client.mode === "polling") assert.ok(heard.length <= 1, `${heard.length} came`);

    socket.disconnect();
    socket.volatile.emit("echo", "lost");
    socket.emit("echo", "kept");
    const echo = once(socket, "echo");
    socket.connect();
    assert.deepEqual(await echo, ["kept"]);
    socket.volatile.emit("echo", "sent while connected");
    await ask(socket, "nothing");
  },

  async "an emit during the upgrade"(client) {
    const socket = client.open();
    const heard = [];
    socket.on("echo", (number) => heard.push(number));
    const numbers = Array.from({ length: 100 }, (_, index) => index);
    const answers = [];
    for (const number of numbers) {
      answers.push(ask(socket, "echo", number, Buffer.from([number])));
      if (number % 10 === 0) await new Promise(setImmediate);
    }
    await Promise.all(answers);
    assert.deepEqual(heard, numbers);
    await client.upgraded(socket);
  },
});
