// Commands from Python, one JSON object a line, and what is answered and reported.
//
//   in:  {"id": 1, "command": "emit", ...}
//   out: {"id": 1, "result": ...} or {"id": 1, "error": "..."}, and reports: {"report": "heard", ...}
//
// Values that JSON does not know travel as {"$": KIND, "value": ...}.

import { createInterface } from "node:readline";

const KINDS = {
  undefined: () => undefined,
  number: (text) => Number(text),
  bigint: (text) => BigInt(text),
  date: (text) => new Date(text),
  bytes: (text) => Buffer.from(text, "base64"),
};

function tagged(kind, value) {
  return { $: kind, value };
}

function pack(value) {
  if (value === undefined) return tagged("undefined");
  if (typeof value === "number" && !Number.isFinite(value)) return tagged("number", String(value));
  if (typeof value === "bigint") return tagged("bigint", String(value));
  if (value === null || typeof value !== "object") return value;
  if (value instanceof Date) return tagged("date", value.toISOString());
  if (value instanceof ArrayBuffer) return tagged("bytes", Buffer.from(value).toString("base64"));
  if (ArrayBuffer.isView(value)) {
    const { buffer, byteOffset, byteLength } = value;
    return tagged("bytes", Buffer.from(buffer, byteOffset, byteLength).toString("base64"));
  }
  if (Array.isArray(value)) return value.map(pack);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, pack(item)]));
}

function unpack(value) {
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map(unpack);
  if (typeof value.$ === "string") return KINDS[value.$](value.value);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, unpack(item)]));
}

function write(line) {
  process.stdout.write(JSON.stringify(pack(line)) + "\n");
}

/** Tell Python what has happened. */
export function report(kind, data) {
  write({ report: kind, ...data });
}

/** Report that everything is loaded, and obey commands, each at once, until the input ends. */
export function obey(commands) {
  const input = createInterface({ input: process.stdin });
  input.on("line", async (line) => {
    const { id, command, ...options } = unpack(JSON.parse(line));
    try {
      write({ id, result: await commands[command](options) });
    } catch (error) {
      write({ id, error: String(error?.message ?? error) });
    }
  });
  input.on("close", () => process.exit(0));
  report("ready", {});
}
