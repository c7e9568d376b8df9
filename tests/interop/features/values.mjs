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

  async "dates of the client whose year Python does not have"(client) {
    const dates = [8.64e15, -8.64e15, -62167219200000, 253402300800000].map((at) => new Date(at));
    for (const settings of PARSERS) {
      const socket = await client.connect("/", settings);
      const texts = dates.map((date) => date.toISOString());
      const described = texts.map((text) => `str ${text}`);
      assert.deepEqual(await ask(socket, "describe", ...dates), [described]);
      assert.deepEqual(await ask(socket, "echo", ...dates), texts); // which `new Date` reads
    }
  },

  async "typed arrays of the client, and undefined"(client) {
    const bytes = (size) => Uint8Array.from({ length: size }, (_, index) => 199 * index);
    const hex = (array) => `bytes ${Buffer.from(array.buffer).toString("hex")}`;
    for (const size of [0, 1, 2, 4, 8, 16, 255, 256, 65_536]) {
      const array = bytes(size);
      for (const settings of PARSERS) {
        const socket = client.open("/", settings);
        await connected(socket);
        const view = new DataView(array.buffer);
        const sent = [[view, undefined, null], array, array.buffer, Buffer.from(array)];
        if (size % 8 === 0) sent.push(new Float64Array(array.buffer));
        const [described] = await ask(socket, "describe", ...sent);
        const others = Array(sent.length - 1).fill(hex(array));
        assert.deepEqual(described, [[hex(array), "NoneType None", "NoneType None"], ...others]);
        socket.disconnect();
      }
    }
  },

  async "a view into a larger buffer"(client) {
    const whole = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
    const part = whole.subarray(2, 4);
    const [json, packed] = await Promise.all(
      PARSERS.map(async (settings) => ask(await client.connect("/", settings), "describe", part)),
    );
    assert.deepEqual(json, [["bytes 0304"]]);
    assert.deepEqual(packed, [["bytes 0102030405060708"]]); // the client's library sends it all
  },

  async "numbers as names of events"(client) {
    const numbers = [0, 1, -1, 1.5, Number.MAX_SAFE_INTEGER];
    for (const settings of PARSERS) {
      const socket = await client.connect("/", settings);
      // The library of MessagePack has no whole numbers beyond 64 bits.
      const all = settings.parser ? numbers : [...numbers, 1e21];
      for (const number of all) {
        assert.deepEqual(await ask(socket, number, "é"), [String(number), "é"]);
        assert.deepEqual(await ask(socket, number, BYTES), [String(number), BYTES]);
        assert.deepEqual(await ask(socket, String(number)), [String(number)]);
      }
      const heard = all.flatMap((number) => Array(3).fill(String(number)));
      assert.deepEqual(await ask(socket, "names"), [[...heard, "names"]]);
    }
  },

  async "other names that are no text"(client) {
    for (const settings of PARSERS) {
      const alive = await client.connect("/", settings);
      for (const name of [true, false, null, {}, ["1"]]) {
        const socket = await client.connect("/", settings);
        const left = once(socket, "disconnect");
        socket.emit(name, 1);
        assert.match((await left)[0], /^transport (close|error)$/);
      }
      assert.deepEqual(await ask(alive, 1), ["1"]);
    }
  },

  async "as many levels as there are, and one more"(client) {
    for (const settings of PARSERS) {
      for (const wrap of [(value) => [value], (value) => ({ value })]) {
        let value = "inside";
        for (let level = 1; level < 254; level++) value = wrap(value); // the event is one as well
        const socket = await client.connect("/", settings);
        assert.deepEqual(await ask(socket, "echo", value), [value]);
        assert.deepEqual(await ask(socket, "echo", value, BYTES), [value, BYTES]);
        const left = once(socket, "disconnect");
        socket.emit("echo", wrap(value));
        assert.match((await left)[0], /^transport (close|error)$/);
      }
    }
  },
});
