// Sessions that end while their client moves from polling to WebSocket, in each phase of that.
//
// The client is the official one; its requests and packets are held back at chosen points. It has to
// hear of each end long before its next heartbeat, and to have what was written before.

import assert from "node:assert/strict";
import { NodeWebSocket, NodeXHR } from "engine.io-client";
import { io } from "socket.io-client";
import { once, options, scenario, sleep, url } from "../harness.mjs";

const PHASES = ["before the probe", "after its answer", "paused", "upgraded"];
const LONG_ENOUGH = 50; // milliseconds for what is on its way

/** Points at which a client can be held back, by name. */
class Gates {
  #gates = new Map();

  constructor(...names) {
    for (const name of names) {
      const gate = {};
      gate.reached = new Promise((resolve) => (gate.reach = resolve));
      gate.opened = new Promise((resolve) => (gate.open = resolve));
      this.#gates.set(name, gate);
    }
  }

  pass(name, go) {
    const gate = this.#gates.get(name);
    if (gate === undefined) return go();
    gate.reach();
    gate.opened.then(go);
  }

  reached(name) {
    return this.#gates.get(name).reached;
  }

  open(...names) {
    for (const name of names.length ? names : this.#gates.keys()) this.#gates.get(name).open();
  }
}

function heldTransports(gates) {
  class HeldXHR extends NodeXHR {
    doWrite(data, callback) {
      gates.pass(data.startsWith("40") ? "" : "post", () => super.doWrite(data, callback));
    }
  }
  class HeldWebSocket extends NodeWebSocket {
    write(packets) {
      const [{ type, data }] = packets;
      gates.pass(data === "probe" ? data : type, () => super.write(packets));
    }
  }
  return [HeldXHR, HeldWebSocket];
}

/** Open a client, and let it come as far as a phase of its upgrade. */
async function connect(phase, postUnderWay) {
  const gates = new Gates("probe", "upgrade", "post");
  const socket = io(url, { transports: heldTransports(gates), forceNew: true, reconnection: false });
  await once(socket, "connect");
  const { engine } = socket.io;
  if (postUnderWay) engine.write("not a packet");
  await gates.reached("probe");
  if (phase !== "before the probe") {
    const upgrading = once(engine, "upgrading");
    gates.open("probe");
    await upgrading;
  }
  if (phase === "paused" || phase === "upgraded") await gates.reached("upgrade");
  if (phase === "upgraded") {
    gates.open("upgrade");
    await sleep(LONG_ENOUGH);
  }
  return { gates, socket };
}

async function endIn(control, phase, how) {
  const malformed = how === "malformed";
  const { gates, socket } = await connect(phase, malformed);
  const heard = [];
  socket.on("last words", (word) => heard.push(word));
  const { id } = socket;
  const left = once(socket, "disconnect", 8_000).then(([reason]) => reason, () => "nothing");
  if (malformed) gates.open("post");
  else await control.emitWithAck("end", id, how);
  await sleep(LONG_ENOUGH);
  gates.open();
  const reason = await left;
  const { disconnect } = await control.emitWithAck("departure", id);
  // A client that is between two polls meets an answer with an error after such an end.
  const abrupt = how === "time out" && reason === "transport error";
  return { reason: abrupt ? "transport close" : reason, disconnect, heard };
}

const EXPECTED = {
  close: { reason: "transport close", disconnect: "forced close", heard: [] },
  "say and close": { reason: "transport close", disconnect: "forced close", heard: [1, 2] },
  "say and disconnect": {
    reason: "io server disconnect",
    disconnect: "server namespace disconnect",
    heard: [1, 2],
  },
  "say and fail": { reason: "transport close", disconnect: "transport error", heard: [1, 2] },
  fail: { reason: "transport close", disconnect: "transport error", heard: [] },
  "time out": { reason: "transport close", disconnect: "ping timeout", heard: [] },
  malformed: { reason: "transport close", disconnect: "parse error", heard: [] },
};

/** A packet that is no packet, sent at a random point of the upgrade of many clients. */
async function race() {
  const socket = io(url, { forceNew: true, reconnection: false });
  await once(socket, "connect");
  await sleep(Math.random() * 4);
  const left = once(socket, "disconnect", 8_000).then(([reason]) => reason, () => "nothing");
  socket.io.engine.write("not a packet");
  return left;
}

await scenario(async () => {
  const control = io(url, { transports: ["websocket"], forceNew: true });
  await once(control, "connect");
  const runs = Object.keys(EXPECTED).flatMap((how) => PHASES.map((phase) => [phase, how]))
    // The client pauses when its POST is over, and the packet is on the WebSocket after that.
    .filter(([phase, how]) => how !== "malformed" || !["paused", "upgraded"].includes(phase));
  const outcomes = await Promise.all(runs.map(([phase, how]) => endIn(control, phase, how)));
  for (const [index, [phase, how]] of runs.entries())
    assert.deepEqual(outcomes[index], EXPECTED[how], `${how}, ${phase}`);
  const reasons = [];
  for (let round = 0; round < options.rounds; round++)
    reasons.push(...(await Promise.all(Array.from({ length: 6 }, race))));
  assert.deepEqual(new Set(reasons), new Set(["transport close"]));
  control.disconnect();
  return { runs: runs.length, races: reasons.length };
});
