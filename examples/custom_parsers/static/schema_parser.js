// The parser of schema_parser.py in JavaScript, for the option `parser` of the client.

const EVENT = 2;
const HEAD = 5; // bytes: the event, and the number of its acknowledgement

/** Return the parser for a schema: the types of the values of each event. */
export function schemaParser(schema) {
  const names = Object.keys(schema);

  class Encoder {
    encode({ type, nsp, data, id }) {
      if (type !== EVENT || !Object.hasOwn(schema, data[0])) {
        return [JSON.stringify([type, nsp, data ?? null, id ?? null])];
      }
      const [name, ...values] = data;
      const head = new DataView(new ArrayBuffer(HEAD));
      head.setUint8(0, names.indexOf(name));
      head.setUint32(1, id === undefined ? 0 : id + 1, true);
      const out = [...new Uint8Array(head.buffer)];
      write("text", nsp, out);
      schema[name].forEach((type, number) => write(type, values[number], out));
      return [new Uint8Array(out)];
    }
  }

  class Decoder {
    #listeners = new Set();

    on(_decoded, listener) {
      this.#listeners.add(listener);
    }

    off(_decoded, listener) {
      this.#listeners.delete(listener);
    }

    add(message) {
      const packet = typeof message === "string" ? load(message) : unpack(message);
      for (const listener of this.#listeners) listener(packet);
    }

    destroy() {}
  }

  const load = (text) => {
    const [type, nsp, data, id] = JSON.parse(text);
    return { type, nsp, data: data ?? undefined, id: id ?? undefined };
  };

  const unpack = (message) => {
    const reader = new Reader(message);
    const name = names[reader.uint8()];
    const number = reader.uint32();
    const nsp = reader.read("text");
    const values = schema[name].map((type) => reader.read(type));
    return { type: EVENT, nsp, data: [name, ...values], id: number ? number - 1 : undefined };
  };

  return { Encoder, Decoder };
}

function write(type, value, out) {
  if (Array.isArray(type)) {
    writeLength(value.length, out);
    for (const item of value) write(type[0], item, out);
  } else if (type === "uint16") {
    out.push(value & 255, value >> 8);
  } else {
    const bytes = type === "text" ? new TextEncoder().encode(value) : new Uint8Array(value);
    writeLength(bytes.length, out);
    for (const byte of bytes) out.push(byte);
  }
}

function writeLength(length, out) {
  for (; length > 127; length >>= 7) out.push((length & 127) | 128);
  out.push(length);
}

class Reader {
  #bytes;
  #view;
  #position = 0;

  /** @param message an ArrayBuffer, or a Buffer of Node.js */
  constructor(message) {
    this.#bytes = new Uint8Array(message.buffer ?? message, message.byteOffset ?? 0, message.byteLength);
    this.#view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.byteLength);
  }

  uint8() {
    return this.#view.getUint8(this.#position++);
  }

  uint32() {
    return this.#view.getUint32((this.#position += 4) - 4, true);
  }

  read(type) {
    if (Array.isArray(type)) return Array.from({ length: this.#length() }, () => this.read(type[0]));
    if (type === "uint16") return this.#view.getUint16((this.#position += 2) - 2, true);
    const length = this.#length();
    const bytes = this.#bytes.slice(this.#position, (this.#position += length));
    return type === "text" ? new TextDecoder().decode(bytes) : bytes.buffer;
  }

  #length() {
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.uint8();
      length |= (byte & 127) << shift;
      if (byte < 128) return length;
    }
  }
}
