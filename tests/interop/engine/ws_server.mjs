// A server of WebSockets, by the package `ws` with its own options: it echoes, sends in fragments
// what "fragments" asks for, pings when "ping" comes, and closes when "close" comes.

import { createServer } from "node:http";
import { WebSocketServer } from "ws";
import { command, report, scenario } from "../harness.mjs";

await scenario(async () => {
  const http = createServer((request, response) => response.writeHead(426).end("WebSocket only"));
  const server = new WebSocketServer({ server: http, perMessageDeflate: true });
  const ended = [];
  server.on("connection", (socket) => {
    socket.on("pong", (data) => socket.send(`pong ${data}`));
    socket.on("close", (code) => {
      ended.push(code);
      report("ended");
    });
    socket.on("message", (data, isBinary) => {
      const text = isBinary ? "" : data.toString();
      if (text === "ping") return socket.ping("hello");
      if (text === "close") return socket.close(4321, "as asked for");
      if (text === "terminate") return socket.terminate();
      if (text !== "fragments") return socket.send(data, { binary: isBinary });
      for (const part of ["one ", "two ", "three"]) socket.send(part, { fin: part === "three" });
    });
  });
  await new Promise((resolve) => http.listen(0, "127.0.0.1", resolve));
  report("listening", { port: http.address().port });
  await command("end");
  for (const socket of server.clients) socket.terminate();
  server.close();
  http.close();
  return { ended };
});
