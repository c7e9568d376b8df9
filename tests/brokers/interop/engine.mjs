// One official server with the official cluster engine: node engine.mjs BUNDLE REDIS_URL PREFIX

import { createRequire } from "node:module";
import { createServer } from "node:http";
import { createAdapter } from "@socket.io/redis-adapter";
import { createClient } from "redis";
import { Server } from "socket.io";

const [bundle, url, prefix] = process.argv.slice(2);
const { RedisEngine } = createRequire(import.meta.url)(bundle);

async function connect() {
  const clients = [createClient({ url }), createClient({ url })];
  for (const client of clients) client.on("error", () => {}); // it connects again
  await Promise.all(clients.map((client) => client.connect()));
  return clients;
}

const engine = new RedisEngine(...(await connect()), { channelPrefix: `${prefix}-engine` });
const http = createServer();
engine.attach(http, { path: "/socket.io/" });
const io = new Server({ adapter: createAdapter(...(await connect()), { key: prefix }) });
io.bind(engine);
io.on("connection", (socket) => {
  socket.on("pid", (done) => done(process.pid));
  socket.on("echo", (value, done) => done(value));
  socket.on("shout", (value, done) => {
    io.emit("heard", value);
    done(true);
  });
});
http.listen(0, "127.0.0.1", () => console.log(http.address().port));
