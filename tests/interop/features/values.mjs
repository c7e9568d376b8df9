// Rich values of Python, with both parsers: dates, UUIDs, enums, dataclasses, models, own types.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { ask, connected, refusal, runCases } from "../cases.mjs";
import { once } from "../harness.mjs";

const parser = createRequire(import.meta.url)("socket.io-msgpack-parser");
const PARSERS = [{ path: "/values" }, { path: "/values-msgpack", parser }];

const BYTES = Buffer.from([0, 255, 30]);
const ID = "12345678-1234-5678-1234-567812345678";
const AT = "2030-01-02T03:04:05.000045+00:00";
const model = (price, content) => ({ id: ID, price, at: AT, color: "red", content });
const struct = (content) => ({ id: ID, at: AT, color: "red", content });
const point = (x, content, tags = []) => ({ x, content, tags });

const PLAIN = {
  datetime: AT,
  "datetime without a zone": "2030-01-02T03:04:05",
  "datetime of another zone": "2030-01-02T00:00:00-03:30",
  date: "2030-01-02",
  time: "01:02:03.040000",
  uuid: ID,
  decimal: "1.50",
  enum: "red",
  "int enum": 3,
  "named tuple": [1, "red"],
  dataclass: point(1.5, AT, ["é"]),
  "slotted dataclass": { name: "é" },
  pydantic: model("2.5", null),
  msgspec: struct(null),
  "renamed msgspec": { type: "renamed", firstName: "Ann" },
  keys: { red: 1, [ID]: 2, 3: 4, "2030-01-02": 5 },
  "one in another": point(1, model("3", struct(null))),
};

const WITH_BINARY = {
  dataclass: point(1.5, BYTES),
  pydantic: model("2.5", [BYTES]),
  msgspec: struct({ deep: [BYTES] }),
  kinds: [BYTES, BYTES, Buffer.alloc(0)],
  "one in another": point(1, struct(point(2, BYTES))),
};

const VALUES = {
  plain: PLAIN,
  "plain beside binary": [PLAIN, BYTES],
  "with binary": WITH_BINARY,
};

/** Run something for each parser and each group of values. */
async function each(client, run) {
  for (const settings of PARSERS) {
    const socket = await client.connect("/", settings);
    for (const [name, value] of Object.entries(VALUES)) await run(socket, name, value);
  }
}

await runCases({
  async "in events"(client) {
    await each(client, async (socket, name, value) => {
      const heard = [];
      socket.on("value", (...values) => heard.push(values));
      await ask(socket, "emit", name);
      assert.deepEqual(heard, [
        [value, name],
        [value, name],
      ]);
      socket.off("value");
    });
  },

  async "in answers of handlers"(client) {
    await each(client, async (socket, name, value) => {
      assert.deepEqual(await ask(socket, "answer", name), [value, ID, BYTES]);
      assert.deepEqual(await ask(socket, "answer of a thread", name), [value]);
    });
  },

  async "in questions, and back"(client) {
    await each(client, async (socket, name, value) => {
      const heard = [];
      socket.on("question", (question, acknowledge) => {
        heard.push(question);
        acknowledge(question);
      });
      assert.deepEqual(await ask(socket, "ask", name), [value]);
      assert.deepEqual(await ask(socket, "ask all", name), [[value]]);
      assert.deepEqual(heard, [value, value]);
      socket.off("question");
    });
  },

  async "in refusals"(client) {
    for (const settings of PARSERS) {
      const error = await refusal(client.open("/refuses", settings));
      assert.equal(error.message, "not now");
      assert.deepEqual(error.data, point(1, { until: AT, id: ID, color: "red" }));
    }
  },

  async "types of one's own, on one server only"(client) {
    const own = [[1, 3], { deep: [[1, 2], BYTES] }, "1"];
    const other = ["about 0.33", { deep: ["about 0.50", BYTES] }, "about 1.00"];
    const servers = [
      [{ path: "/values-own" }, own],
      [{ path: "/values-own-msgpack", parser }, own],
      [{ path: "/values-other" }, other],
    ];
    for (const [settings, expected] of servers) {
      const socket = await client.connect("/", settings);
      const heard = once(socket, "own");
      assert.deepEqual(await ask(socket, "own types"), ["sent"]);
      assert.deepEqual(await heard, expected);
    }
    for (const settings of PARSERS) {
      const socket = await client.connect("/", settings);
      socket.on("own", () => assert.fail("it has no form"));
      assert.deepEqual(await ask(socket, "own types"), ["no form"]);
    }
  },

  async "the others stay as they were beside types of one's own"(client) {
    for (const settings of [{ path: "/values-own" }, { path: "/values-own-msgpack", parser }]) {
      const socket = client.open("/", settings);
      await connected(socket);
      for (const [name, value] of Object.entries(VALUES)) {
        assert.deepEqual(await ask(socket, "answer", name), [value, ID, BYTES]);
      }
    }
  },

  async "as many binary values as the parser of the client takes"(client) {
    const bytes = (count) => Array.from({ length: count }, (_, number) => Buffer.from([number]));
    for (const [settings, count] of [
      [PARSERS[0], 10],
      [PARSERS[1], 100],
    ]) {
      const socket = await client.connect("/", settings);
      const heard = once(socket, "many");
      await ask(socket, "many", count);
      assert.deepEqual(await heard, [bytes(count)]);
    }
  },

  async "dates of the client"(client) {
    const date = new Date(Date.UTC(2030, 0, 2, 3, 4, 5, 678));
    const [json, packed] = await Promise.all(
      PARSERS.map(async (settings) => ask(await client.connect("/", settings), "what came", date)),
    );
    assert.deepEqual(json, ["str 2030-01-02T03:04:05.678Z"]);
    assert.deepEqual(packed, ["datetime 2030-01-02 03:04:05.678000+00:00"]);
  },
});
