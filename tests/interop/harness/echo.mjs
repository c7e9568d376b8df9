// Echo over a WebSocket: the harness's own test of both directions and of bytes.
import { WebSocket } from "ws";
import { command, once, options, report, scenario, url } from "../harness.mjs";

await scenario(async () => {
  const socket = new WebSocket(url);
  await once(socket, "open");
  report("connected", { bytes: options.bytes });
  const { text } = await command("say");
  socket.send(text);
  const [reply] = await once(socket, "message");
  socket.close();
  return { reply: reply.toString() };
});
