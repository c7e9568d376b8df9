// The sockets of a case, made by the 2.x client.

import { createRequire } from "node:module";
import { Client } from "../cases.mjs";
import { once } from "../harness.mjs";

const io = createRequire(import.meta.url)("sio2");

export class OldClient extends Client {
  get io() {
    return io;
  }

  async connect(namespace, settings) {
    const socket = this.open(namespace, settings);
    await oldConnected(socket);
    await this.upgraded(socket);
    return socket;
  }
}

/** Wait for a connection; a refusal is an "error" event in this version. */
export async function oldConnected(socket) {
  if (socket.connected) return;
  const failed = (event) =>
    once(socket, event, 12_000).then(([error]) => Promise.reject(new Error(String(error))));
  await Promise.race([once(socket, "connect"), failed("connect_error"), failed("error")]);
}
