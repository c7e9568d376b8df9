// Numbered messages in both directions while many connections move on to WebSocket at once.
//
// Each connection starts after a random delay, sends from its first moment on, gets an echo of each
// message, and a stream that the server sends by its own clock. Nothing may be lost, doubled or
// out of order, and every connection must end up on WebSocket.

import assert from "node:assert/strict";
import { once, options, scenario, sleep } from "../harness.mjs";
import { openEngine } from "./client.mjs";

const MESSAGES = 60;
const NUMBERS = Array.from({ length: MESSAGES }, (_, index) => index);
const { atOnce = 25, rounds = 4 } = options;

function random(milliseconds) {
  return sleep(Math.random() * milliseconds);
}

async function connection() {
  await random(60);
  const socket = openEngine("upgrade");
  const upgraded = once(socket, "upgrade", 20_000);
  const failed = once(socket, "error", 60_000).then(([error]) => Promise.reject(error));
  const echoes = [];
  const stream = [];
  const done = new Promise((resolve) => {
    socket.on("message", (text) => {
      const [kind, number] = text.split(" ");
      if (kind === "echo") echoes.push(Number(number));
      if (kind === "stream") stream.push(Number(number));
      if (echoes.length >= MESSAGES && stream.length >= MESSAGES) resolve();
    });
  });
  await once(socket, "open", 20_000);
  const before = sendAll(socket);
  const patience = sleep(25_000).then(() => {
    throw new Error(`${echoes.length} echoes and ${stream.length} of the stream came`);
  });
  await Promise.race([Promise.all([done, upgraded]), failed, patience]);
  await random(5); // a doubled message would come now
  assert.deepEqual(echoes, NUMBERS);
  assert.deepEqual(stream, NUMBERS);
  assert.equal(socket.transport.name, "websocket");
  socket.close();
  return before;
}

/** Resolves with how many messages were sent before the switch. */
async function sendAll(socket) {
  let before = 0;
  socket.send(`stream ${MESSAGES}`);
  for (const number of NUMBERS) {
    if (socket.transport.name === "polling") before++;
    socket.send(`echo ${number}`);
    if (Math.random() < 0.7) await random(4);
  }
  return before;
}

await scenario(async () => {
  let before = 0;
  for (let round = 0; round < rounds; round++) {
    const connections = Array.from({ length: atOnce }, connection);
    for (const count of await Promise.all(connections)) before += count;
  }
  const total = atOnce * rounds * MESSAGES;
  return { connections: atOnce * rounds, before, after: total - before };
});
