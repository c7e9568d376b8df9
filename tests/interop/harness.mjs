// Frame for a scenario: a script that a Python test starts with `node script.mjs URL OPTIONS`.
//
//   import { io } from "socket.io-client";
//   import { command, once, report, scenario, url } from "./harness.mjs";
//
//   await scenario(async () => {
//     const socket = io(url);
//     await once(socket, "connect");
//     report("connected", { id: socket.id });   // one JSON line: {"event":"connected","id":...}
//     const { text } = await command("say");    // waits for {"command":"say","text":...} on stdin
//     return { answer: await socket.emitWithAck("echo", text) };   // {"ok":true,"answer":...}
//   });
//
// Bytes travel both ways as {"$bytes": BASE64}. An uncaught error, an unhandled rejection and the
// hard time-out (seconds, HARNESS_TIMEOUT) end the process with {"ok":false,"error":...}.

import { createInterface } from "node:readline";

const TIMEOUT = Number(process.env.HARNESS_TIMEOUT ?? "20") * 1000;

export const url = process.argv[2] ?? "";
export const options = decode(process.argv[3] ?? "{}");

const queue = [];
const waiting = [];
let finished = false;
let reading = false;

export function encode(value) {
  return JSON.stringify(value, function (key, item) {
    const original = this[key]; // before Buffer.prototype.toJSON
    if (original instanceof ArrayBuffer) return { $bytes: Buffer.from(original).toString("base64") };
    if (ArrayBuffer.isView(original)) {
      const { buffer, byteOffset, byteLength } = original;
      return { $bytes: Buffer.from(buffer, byteOffset, byteLength).toString("base64") };
    }
    if (original instanceof Error) return { message: original.message, ...original };
    return item;
  });
}

export function decode(text) {
  return JSON.parse(text, (_, item) =>
    item !== null && typeof item === "object" && typeof item.$bytes === "string"
      ? Buffer.from(item.$bytes, "base64")
      : item,
  );
}

/** Print one JSON line for the Python side. */
export function report(event, data = {}) {
  process.stdout.write(encode({ event, ...data }) + "\n");
}

/** Resolve with the arguments of the next `event` of an emitter (old clients included). */
export function once(emitter, event, timeout = 10_000) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      emitter.off(event, listener);
      reject(new Error(`no "${event}" within ${timeout} ms`));
    }, timeout);
    const listener = (...args) => {
      clearTimeout(timer);
      resolve(args);
    };
    emitter.once(event, listener);
  });
}

/** Resolve after `milliseconds`. */
export function sleep(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Resolve with the next command of this name from the Python side; others stay queued. */
export function command(name) {
  readCommands();
  const index = queue.findIndex((item) => item.command === name);
  if (index !== -1) return Promise.resolve(queue.splice(index, 1)[0]);
  return new Promise((resolve) => waiting.push({ name, resolve }));
}

function readCommands() {
  if (reading) return;
  reading = true;
  createInterface({ input: process.stdin }).on("line", (line) => {
    const item = decode(line);
    const index = waiting.findIndex(({ name }) => name === item.command);
    if (index === -1) queue.push(item);
    else waiting.splice(index, 1)[0].resolve(item);
  });
}

/** Run the scenario; what it returns is merged into the last line. Ends the process. */
export async function scenario(run) {
  setTimeout(() => fail(new Error(`scenario took more than ${TIMEOUT} ms`)), TIMEOUT);
  try {
    const result = (await run()) ?? {};
    finish({ ok: true, ...result }, 0);
  } catch (error) {
    fail(error);
  }
}

function fail(error) {
  process.stderr.write(`${error?.stack ?? error}\n`);
  finish({ ok: false, error: String(error?.message ?? error) }, 1);
}

function finish(line, code) {
  if (finished) return;
  finished = true;
  process.stdout.write(encode(line) + "\n", () => process.exit(code));
}

process.on("uncaughtException", fail);
process.on("unhandledRejection", fail);
