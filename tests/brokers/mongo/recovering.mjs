// An official server that recovers clients over MongoDB:
// node recovering.mjs URL '{"collection":"...","addCreatedAtField":false}'

import { createServer } from "node:http";
import { createAdapter } from "@socket.io/mongo-adapter";
import { MongoClient } from "mongodb";
import { Server } from "socket.io";

const [url, text] = process.argv.slice(2);
const { collection, ...options } = JSON.parse(text);
const client = new MongoClient(url);
await client.connect();

const server = createServer();
const io = new Server(server, {
  adapter: createAdapter(client.db().collection(collection), options),
  connectionStateRecovery: {},
});
io.on("connection", (socket) => {
  socket.on("join", (room) => socket.join(room));
  socket.on("tell", (room, ...event) => io.to(room).emit(...event));
});
server.listen(0, "127.0.0.1", () => {
  console.log(JSON.stringify({ event: "listening", port: server.address().port }));
});
