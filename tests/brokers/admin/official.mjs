// An official server with the official server side of the admin UI, alone or in a cluster over Redis.
// It is started in the folder tests/interop, where the harness is; its packages are in tests/brokers.

import { createServer } from "node:http";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { createAdapter } from "@socket.io/redis-adapter";
import adminUi from "@socket.io/admin-ui";
import { Redis } from "ioredis";
import { Server } from "socket.io";

const { instrument, RedisStore } = adminUi;
const { command, options, report, scenario } = await import(
  pathToFileURL(join(process.cwd(), "harness.mjs"))
);

await scenario(async () => {
  const open = [];
  const connect = async () => {
    const client = new Redis(options.redis, { lazyConnect: true });
    client.on("error", () => {});
    await client.connect();
    open.push(client);
    return client;
  };
  const httpServer = createServer();
  const settings = options.redis
    ? { adapter: createAdapter(await connect(), await connect(), { key: options.key }) }
    : {};
  const io = new Server(httpServer, settings);
  io.on("connection", (socket) => {
    socket.on("move", async (room, leave, done) => {
      await (leave ? socket.leave(room) : socket.join(room));
      done();
    });
    socket.on("set", (key, value, done) => {
      socket.data[key] = value;
      done();
    });
    socket.on("echo", (...args) => {
      const done = args.pop();
      socket.emit("echoed", ...args);
      done();
    });
  });
  instrument(io, {
    auth: options.auth,
    mode: options.mode ?? "development",
    readonly: options.readonly ?? false,
    serverId: "official",
    ...(options.store ? { store: new RedisStore(await connect()) } : {}),
  });
  await new Promise((resolve) => httpServer.listen(0, "127.0.0.1", resolve));
  report("listening", { port: httpServer.address().port });
  await command("stop");
  await io.close();
  for (const client of open) client.disconnect();
  return {};
});
