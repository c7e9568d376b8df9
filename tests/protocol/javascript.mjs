// Runs the official codecs over a batch of cases; the other half is test_javascript.py.
//
// The packages come with the clients that are installed in tests/interop, each with its own.

import { createRequire } from "node:module";
import { command, scenario } from "../interop/harness.mjs";

const installed = createRequire(`${process.cwd()}/`);
const packageOf = (client, name) => createRequire(installed.resolve(client))(name);

const socketParsers = {
  5: packageOf("socket.io-client", "socket.io-parser"),
  4: packageOf("sio2", "socket.io-parser"), // what 2.x clients speak
};
const engine4 = packageOf("engine.io-client", "engine.io-parser");
const engine3 = packageOf("eio3", "engine.io-parser");
const msgpack = installed("socket.io-msgpack-parser");

function encodeSocket({ revision, packet, binary }) {
  const parser = socketParsers[revision];
  if (revision === 5) return new parser.Encoder().encode(packet);
  let messages;
  // In this revision the caller tells what is binary: 5 instead of 2, 6 instead of 3.
  const type = binary ? packet.type + 3 : packet.type;
  new parser.Encoder().encode({ ...packet, type }, (result) => (messages = result));
  return messages;
}

function decodeSocket({ revision, messages }) {
  const decoder = new socketParsers[revision].Decoder();
  let result = null;
  decoder.on("decoded", (packet) => (result = packet));
  for (const message of messages) decoder.add(message);
  if (result === null) throw new Error("incomplete");
  if (revision === 4 && result.type === 4 && String(result.data).startsWith("parser error"))
    throw new Error(result.data);
  // A 2.x parser leaves the binary types as they are.
  const type = revision === 4 && result.type > 4 ? result.type - 3 : result.type;
  const { nsp, id = null, data = null } = result;
  return { type, nsp, id, data };
}

// Some data is nested too deeply for the way back.
function acceptsSocket(settings) {
  decodeSocket(settings);
  return true;
}

function encodeEngine({ revision, packets, supportsBinary }) {
  let body;
  const done = (result) => (body = result);
  if (revision === 4) engine4.encodePayload(packets, done);
  else engine3.encodePayload(packets, supportsBinary, done);
  return Buffer.from(body);
}

function decodeEngine({ revision, body, binary }) {
  const packets = [];
  if (revision === 4) packets.push(...engine4.decodePayload(body.toString(), "nodebuffer"));
  else engine3.decodePayload(binary ? body : body.toString(), (packet) => void packets.push(packet));
  if (packets.some(({ type }) => type === "error")) throw new Error("parser error");
  return packets.map(({ type, data = "" }) => ({ type, data }));
}

/** A value that JSON has no form for, and the bytes or the text that it stands for. */
function special({ kind, size = 0, offset = 0, length = size, time }) {
  if (kind === "undefined") return { value: undefined, meaning: null };
  if (kind === "Date") {
    const date = new Date(time);
    return { value: date, meaning: date.toISOString() };
  }
  const bytes = Uint8Array.from({ length: size }, (_, index) => 199 * index);
  if (kind === "ArrayBuffer") return { value: bytes.buffer, meaning: bytes };
  if (kind === "Buffer") return { value: Buffer.from(bytes), meaning: bytes };
  const Kind = globalThis[kind];
  const elements = length / (Kind.BYTES_PER_ELEMENT ?? 1);
  return { value: new Kind(bytes.buffer, offset, elements), meaning: bytes };
}

function encodeMessagePack({ values }) {
  const specials = values.map(special);
  const data = ["event", ...specials.map(({ value }) => value)];
  const [message] = new msgpack.Encoder().encode({ type: 2, nsp: "/", data });
  return { message, meanings: specials.map(({ meaning }) => meaning) };
}

/** The messages of an event whose name is a number, with each parser, and the number's text. */
function nameEvent({ number }) {
  const packet = (...more) => ({ type: 2, nsp: "/", data: [number, ...more] });
  return {
    text: String(number),
    plain: encodeSocket({ revision: 5, packet: packet() }),
    binary: encodeSocket({ revision: 5, packet: packet(Buffer.from("x")) }),
    older: encodeSocket({ revision: 4, packet: packet(), binary: false }),
    messagePack: new msgpack.Encoder().encode(packet()),
  };
}

const operations = {
  encodeSocket,
  decodeSocket,
  acceptsSocket,
  encodeEngine,
  decodeEngine,
  encodeMessagePack,
  nameEvent,
};

await scenario(async () => {
  const { cases } = await command("cases");
  const results = cases.map(({ operation, ...settings }) => {
    try {
      return { value: operations[operation](settings) };
    } catch (error) {
      return { error: error.message };
    }
  });
  return { results };
});
