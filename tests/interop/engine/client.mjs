// The lower layer alone: engine.io-client in its current version, or in version 3 of its protocol.

import { createRequire } from "node:module";
import { Socket } from "engine.io-client";
import { Client, MODES } from "../cases.mjs";
import { once, options, url } from "../harness.mjs";

const eio3 = createRequire(import.meta.url)("eio3");

/** Open a connection; `options.revision` of the scenario chooses the client. */
export function openEngine(mode, settings = {}) {
  const all = { path: "/engine.io", transports: MODES[mode], ...settings };
  return options.revision === 3 ? eio3(url, all) : new Socket(url, all);
}

/** The connections of one case. */
export class EngineClient extends Client {
  /** A connection that has reached its final transport. */
  async connect(settings) {
    const socket = this.#open(settings);
    const upgraded = this.mode === "upgrade" ? once(socket, "upgrade") : undefined;
    await Promise.race([
      once(socket, "open"),
      once(socket, "error", 12_000).then(([error]) => Promise.reject(error)),
    ]);
    await upgraded;
    return socket;
  }

  /** A socket of the upper layer, to look at the server from the side. */
  observe() {
    return super.connect();
  }

  #open(settings) {
    const socket = openEngine(this.mode, settings);
    this.opened.push({ disconnect: () => socket.close() });
    return socket;
  }
}

/** A message in one form, whatever the client hands out. */
function plain(data) {
  if (data === undefined || typeof data === "string") return data ?? ""; // an empty text
  if (data instanceof ArrayBuffer) return Buffer.from(data);
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}

/** The next `count` messages. */
export function receive(socket, count) {
  return new Promise((resolve, reject) => {
    const messages = [];
    const settle = (end, value) => {
      clearTimeout(timer);
      socket.off("message", onMessage);
      end(value);
    };
    const timer = setTimeout(
      () => settle(reject, new Error(`${messages.length} of ${count} messages came`)),
      12_000,
    );
    const onMessage = (data) => {
      messages.push(plain(data));
      if (messages.length === count) settle(resolve, messages);
    };
    socket.on("message", onMessage);
  });
}
