// Typed events: what is valid, what is not, and what is answered, with both parsers.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { ask, runCases } from "../cases.mjs";
import { once } from "../harness.mjs";

const parser = createRequire(import.meta.url)("socket.io-msgpack-parser");
const PARSERS = [{ path: "/typed" }, { path: "/typed-msgpack", parser }];
const BYTES = Buffer.from([0, 255]);
const ID = "12345678-1234-5678-1234-567812345678";

const VALID = [
  ["builtins", [1, 2, true, "é", BYTES], [[1, 2, true, "é", BYTES]]],
  ["rich", ["2030-01-02T03:04:05Z", ID, "red", "b", "surplus"], ["2030 1234 RED b", 2030]],
  ["order", [{ item: "tea" }], [{ item: "tea", count: 1, data: null }]],
  ["order", [{ item: "tea", count: 2, data: BYTES, more: 1 }, "a", "b"],
    [{ item: "teaab", count: 2, data: BYTES }]],
  ["filter", [{ text: "x", more: 1 }], [[5, "x"]]],
  ["filter", [{ text: "x" }, undefined], [[5, "x"]]],
  ["filter", [{ text: "x" }, 7], [[7, "x"]]],
  ["model", [{ id: "5", modelName: "m" }], [{ id: 5, modelName: "m" }]],
  ["model", [null], []],
  ["struct", [[{ id: 1 }, { id: 2, data: BYTES }]], [{ id: 2, data: BYTES }]],
  ["context", [], [["context", true, true, { token: "t" }]]],
  ["ack", [7], [7, { id: 7, modelName: "m" }]],
  ["nothing", [], []],
  ["untyped model", [], [{ id: 1, modelName: "m" }]],
];

const INVALID = [
  ["builtins", [], ["a missing", "b missing", "c missing", "d missing", "e missing"]],
  ["builtins", ["1", "2", 1, 4, "text"],
    ["a int_type", "b float_type", "c bool_type", "d str_type", "e bytes_type"]],
  ["rich", ["x", "y", "green", "c"],
    ["at datetime_parsing", "id uuid_parsing", "color literal_error", "mode literal_error"]],
  ["order", [{ count: "2" }, "a", 1],
    ["order.item missing", "order.count int_type", "tags.1 str_type"]],
  ["filter", [{}, "7"], ["by.text missing", "limit int_type"]],
  ["model", [{ id: -1 }], ["model.id greater_than", "model.modelName missing"]],
  ["struct", [[{ id: 1 }, { id: "2" }]], ["structs.1.id invalid"]],
  ["ack", ["7"], ["id int_type"]],
];

const cases = {};
for (const settings of PARSERS) {
  const open = (client) => client.connect("/", { ...settings, auth: { token: "t" } });

  cases[`valid arguments, ${settings.path}`] = async (client) => {
    const socket = await open(client);
    for (const [event, args, expected] of VALID) {
      assert.deepEqual(await ask(socket, event, ...args), expected, event);
    }
  };

  cases[`invalid arguments, ${settings.path}`] = async (client) => {
    const socket = await open(client);
    for (const [event, args, expected] of INVALID) {
      const [{ error }, ...more] = await ask(socket, event, ...args);
      assert.deepEqual([error.code, error.message, more], ["validation", "invalid arguments", []]);
      const problems = error.details.map(({ loc, type }) => `${loc.join(".")} ${type}`);
      assert.deepEqual(problems.sort(), expected.toSorted(), event);
    }
  };

  cases[`errors, ${settings.path}`] = async (client) => {
    const socket = await open(client);
    const full = { code: "full", message: "no place", details: [1, "x"] };
    assert.deepEqual(await ask(socket, "full"), [{ error: full }]);
    const told = once(socket, "error");
    socket.emit("full");
    assert.deepEqual(await told, [{ event: "full", ...full }]);
  };
}

await runCases(cases);
