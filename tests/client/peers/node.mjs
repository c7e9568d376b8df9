// The application of the tests of the client on the official server: node node.mjs PORT

import { createServer } from "node:http";
import { createRequire } from "node:module";

const require = createRequire(`${process.env.NODE_PATH}/`);
const { Server } = require("socket.io");

const server = createServer();
const io = new Server(server, {
  pingInterval: 1000,
  pingTimeout: 1000,
  connectionStateRecovery: { maxDisconnectionDuration: 60_000 },
});
const left = [];

io.on("connection", (socket) => {
  socket.on("echo", (...args) => args.pop()(...args));
  socket.on("again", (...args) => socket.emit("again", ...args));
  socket.on("burst", (count) => {
    for (let number = 0; number < count; number += 1) {
      socket.emit("again", number);
    }
  });
  socket.on("ask me", async (...args) => {
    const answer = args.pop();
    answer(await socket.timeout(5000).emitWithAck("question", ...args));
  });
  socket.on("never", () => {});
  socket.on("leave", () => socket.disconnect());
  socket.on("cut", () => socket.conn.close());
  socket.on("cut and send", (...args) => {
    socket.conn.close();
    setTimeout(() => io.to(socket.id).emit("again", ...args), 10);
  });
  socket.on("who am I", (answer) => {
    answer({
      id: socket.id,
      auth: socket.handshake.auth,
      query: socket.handshake.query,
      header: socket.handshake.headers["x-test"] ?? null,
      transport: socket.conn.transport.name,
      recovered: socket.recovered,
    });
  });
  socket.on("who left", (answer) => answer(left));
  socket.on("disconnect", (reason) => left.push(reason));
});

const admin = io.of("/admin");
admin.use((socket, next) => {
  if (socket.handshake.auth.token === "secret") {
    return next();
  }
  const error = new Error("who are you?");
  error.data = { code: 42 };
  next(error);
});
admin.on("connection", (socket) => {
  socket.on("hello", (answer) => answer("admin"));
});

io.of("/slow").use((socket, next) => setTimeout(next, 200));

server.listen(Number(process.argv[2]), "127.0.0.1");
