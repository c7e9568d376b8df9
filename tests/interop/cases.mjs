// Cases: small functions that run once with each transport, one result for each.
//
//   await runCases({
//     async "a value comes back"(client) {
//       const socket = await client.connect();
//       assert.equal(await socket.emitWithAck("echo", 1), 1);
//     },
//   });
//
// The transports run side by side, the cases of one transport one after another. What a case has
// opened is closed behind it.

import assert from "node:assert/strict";
import { io } from "socket.io-client";
import { once, scenario, url } from "./harness.mjs";

export const MODES = {
  polling: ["polling"],
  websocket: ["websocket"],
  upgrade: ["polling", "websocket"],
};
const CASE_TIMEOUT = 20_000;

/** The sockets of one case. */
export class Client {
  constructor(mode, settings = {}) {
    this.mode = mode;
    this.settings = settings;
    this.transports = MODES[mode];
    this.opened = [];
  }

  /** The transport that carries the messages in the end. */
  get transport() {
    return this.transports.at(-1);
  }

  /** The client library. */
  get io() {
    return io;
  }

  /** A socket on a connection of its own, not connected yet (see `connect`). */
  open(namespace = "/", settings = {}) {
    const socket = this.io(url + namespace, {
      forceNew: true,
      reconnection: false,
      transports: this.transports,
      timeout: 10_000,
      ...this.settings,
      ...settings,
    });
    this.opened.push(socket);
    return socket;
  }

  /** A socket that is connected, by its final transport. */
  async connect(namespace = "/", settings = {}) {
    const socket = this.open(namespace, settings);
    await connected(socket);
    await this.upgraded(socket);
    return socket;
  }

  /** Wait for the final transport of a connected socket. */
  async upgraded(socket) {
    const { engine } = socket.io;
    if (engine.transport.name !== this.transport) await once(engine, "upgrade");
  }

  close() {
    for (const socket of this.opened) socket.disconnect();
  }
}

/** Wait for a connection, and fail with the reason when it is refused. */
export async function connected(socket) {
  if (socket.connected) return;
  await Promise.race([
    once(socket, "connect"),
    once(socket, "connect_error", 12_000).then(([error]) => Promise.reject(error)),
  ]);
}

/** Wait for the refusal of a socket, and return the reason. */
export async function refusal(socket) {
  const [error] = await once(socket, "connect_error");
  assert.equal(socket.connected, false);
  return error;
}

/** Wait for the answer to an event, on any version of the client. */
export function ask(socket, event, ...args) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no answer to "${event}"`)), 12_000);
    socket.emit(event, ...args, (...values) => {
      clearTimeout(timer);
      resolve(values);
    });
  });
}

/**
 * Run all cases with all modes, and report {cases: {name: "passed" or what went wrong}}.
 * The settings are those of all sockets.
 */
export function runCases(
  cases,
  { modes = Object.keys(MODES), Client: Kind = Client, settings = {} } = {},
) {
  const results = {};
  return scenario(async () => {
    await Promise.all(
      modes.map(async (mode) => {
        for (const [name, run] of Object.entries(cases)) {
          results[`${name} (${mode})`] = await outcome(run, new Kind(mode, settings));
        }
      }),
    );
    return { cases: results };
  });
}

async function outcome(run, client) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error("the case took too long")), CASE_TIMEOUT);
  });
  try {
    await Promise.race([run(client), late]);
    return "passed";
  } catch (error) {
    return String(error?.stack ?? error);
  } finally {
    clearTimeout(timer);
    client.close();
  }
}
