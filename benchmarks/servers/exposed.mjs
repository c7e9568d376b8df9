// The same as exposed.py, for socket.io on Node: node exposed.mjs PORT

import { createServer } from "node:http";
import { setTimeout } from "node:timers/promises";
import { Server } from "socket.io";

const SLOW = 60_000; // milliseconds: longer than most measurements
let calls = 0; // of the application, that have not ended

async function wait(milliseconds) {
  calls++;
  await setTimeout(milliseconds);
  calls--;
}

const server = createServer();
const io = new Server(server, { allowEIO3: true, connectionStateRecovery: {} });

io.on("connection", (socket) => {
  socket.on("echo", (data, ack) => ack(data));
  socket.on("tasks", (data, ack) => ack(calls));
  socket.on("work", () => wait(SLOW));
  socket.on("fail", () => {
    throw new Error("fail");
  });
  socket.on("tell", (data, ack) => {
    socket.emit("news", data);
    ack?.();
  });
});

io.of(/^\/room-\d+$/).use((socket, next) => {
  wait(socket.handshake.auth.late ? SLOW : 0).then(() => next());
});
io.of(/^\/visit-\d+$/);
io.of("/left").on("connection", (socket) => socket.on("disconnect", () => wait(SLOW)));

server.listen(Number(process.argv[2]), "127.0.0.1", 4096);
