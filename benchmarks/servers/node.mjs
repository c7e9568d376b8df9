// socket.io on Node, with its default WebSocket server (ws): node node.mjs PORT

import { createServer } from "node:http";
import { Server } from "socket.io";
import { serve } from "./handlers.mjs";

const server = createServer();
serve(new Server(server));
server.listen(Number(process.argv[2]), "127.0.0.1", 4096);
