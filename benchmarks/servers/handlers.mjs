// The handlers of both JavaScript servers.

export function serve(io) {
  io.on("connection", (socket) => {
    socket.on("echo", (data, ack) => ack(data));
    socket.on("broadcast", (data) => io.emit("news", data));
    socket.on("storm", (count, data) => {
      for (let i = 0; i < count; i++) socket.emit("news", data);
    });
    socket.on("join", (...args) => {
      const ack = args.pop();
      socket.join(args);
      ack(args.length);
    });
    socket.on("leave", (room, ack) => {
      socket.leave(room);
      ack(1);
    });
    socket.on("tell", (room, data) => io.to(room).emit("news", data));
  });
}
