// Loads every client that the interoperability tests use.
import { createRequire } from "node:module";
import { io } from "socket.io-client";
import { Socket } from "engine.io-client";
import * as msgpack from "socket.io-msgpack-parser";
import { scenario } from "../harness.mjs";

const require = createRequire(import.meta.url);

await scenario(async () => ({
  io: typeof io,
  engine: typeof Socket,
  msgpack: typeof (msgpack.Encoder ?? msgpack.default.Encoder),
  sio2: typeof require("sio2"),
  eio3: typeof require("eio3"),
}));
