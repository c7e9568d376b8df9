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

const operations = { encodeSocket, decodeSocket, acceptsSocket, encodeEngine, decodeEngine };

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
