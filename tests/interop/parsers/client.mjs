// A parser of one's own on the client's side: every packet is one JSON object.

import assert from "node:assert/strict";
import { Emitter } from "@socket.io/component-emitter";
import { ask, runCases } from "../cases.mjs";
import { once } from "../harness.mjs";

class Encoder {
  encode({ type, nsp, data, id }) {
    return [JSON.stringify({ type, nsp, data, id })];
  }
}

class Decoder extends Emitter {
  add(text) {
    this.emit("decoded", JSON.parse(text));
  }

  destroy() {}
}

const parser = { Encoder, Decoder };

await runCases({
  async "events, acknowledgements and refusal"(client) {
    const socket = await client.connect("/", { parser });
    const values = ["é", 1, null, { a: [true] }];
    assert.deepEqual(await ask(socket, "echo", ...values), values);
    const [error] = await once(client.open("/unknown", { parser }), "connect_error");
    assert.equal(error.message, "Invalid namespace");
  },

  async "a message that is none"(client) {
    const socket = await client.connect("/", { parser });
    const left = once(socket, "disconnect");
    socket.io.engine.write("{");
    assert.match((await left)[0], /^transport (close|error)$/);
  },
});
