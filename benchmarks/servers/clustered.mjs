// socket.io on Node as one of several servers, over Redis: node clustered.mjs PORT ADAPTER URL

import { createServer } from "node:http";
import { createAdapter, createShardedAdapter } from "@socket.io/redis-adapter";
import { createAdapter as createStreamsAdapter } from "@socket.io/redis-streams-adapter";
import { createClient } from "redis";
import { Server } from "socket.io";
import { serve } from "./handlers.mjs";

const [port, name, url] = process.argv.slice(2);
const client = createClient({ url });
const subscriber = client.duplicate();
await Promise.all([client.connect(), subscriber.connect()]);

const makers = {
  classic: () => createAdapter(client, subscriber),
  sharded: () => createShardedAdapter(client, subscriber),
  streams: () => createStreamsAdapter(client),
};
const server = createServer();
serve(new Server(server, { adapter: makers[name]() }));
server.listen(Number(port), "127.0.0.1", 4096);
