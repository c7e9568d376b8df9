// The heartbeat: kept up by both sides, missed by the client, missed by the server.

import assert from "node:assert/strict";
import { ask, Client, MODES } from "../cases.mjs";
import { command, once, options, report, scenario } from "../harness.mjs";
import { OldClient } from "../v2/client.mjs";

/** Sockets of both versions with each transport. */
async function connectAll(settings) {
  const kinds = Object.keys(MODES).flatMap((mode) => [new Client(mode), new OldClient(mode)]);
  return Promise.all(kinds.map((client) => client.connect("/", settings)));
}

/** Stop everything in this process, as a browser does with a tab in the background. */
function freeze(milliseconds) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

function beats(socket) {
  const [emitter, event] = socket.io.engine.protocol === 3 ? [socket, "pong"] : [socket.io, "ping"];
  return once(emitter, event).then(() => once(emitter, event));
}

await scenario(async () => {
  const sockets = await connectAll();
  await Promise.all(sockets.map(beats));
  const ids = await Promise.all(sockets.map((socket) => ask(socket, "whoami")));
  assert.ok(sockets.every((socket) => socket.connected));

  const lost = Promise.all(sockets.map((socket) => once(socket, "disconnect")));
  freeze(options.silence);
  await lost;
  const observer = await new Client("websocket").connect();
  const noted = await Promise.all(ids.map(([{ id }]) => ask(observer, "departure", id)));
  assert.deepEqual(new Set(noted.map(([{ disconnect }]) => disconnect)), new Set(["ping timeout"]));
  observer.disconnect();

  const settings = { reconnection: true, reconnectionDelay: 100, reconnectionDelayMax: 400 };
  const others = await connectAll(settings);
  const left = Promise.all(others.map((socket) => once(socket, "disconnect", 15_000)));
  report("connected");
  const reasons = (await left).map(([reason]) => reason);
  const back = Promise.all(others.map((socket) => once(socket, "connect", 20_000)));
  report("lost");
  await command("resumed");
  await back;
  return { reasons };
});
