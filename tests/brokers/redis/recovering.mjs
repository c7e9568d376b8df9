// An official server that recovers clients over a stream: node recovering.mjs URL '{"prefix":"..."}'

import { createServer } from "node:http";
import { createAdapter } from "@socket.io/redis-streams-adapter";
import { createClient } from "redis";
import { Server } from "socket.io";

const [url, text] = process.argv.slice(2);
const { prefix } = JSON.parse(text);
const client = createClient({ url });
await client.connect();

const server = createServer();
const io = new Server(server, {
  adapter: createAdapter(client, {
    streamName: prefix,
    channelPrefix: prefix,
    sessionKeyPrefix: `${prefix}:session:`,
    blockTimeInMs: 200,
  }),
  connectionStateRecovery: {},
});
io.on("connection", (socket) => {
  socket.on("join", (room) => socket.join(room));
  socket.on("tell", (room, ...event) => io.to(room).emit(...event));
});
server.listen(0, "127.0.0.1", () => {
  console.log(JSON.stringify({ event: "listening", port: server.address().port }));
});
