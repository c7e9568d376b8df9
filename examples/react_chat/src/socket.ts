import { io, type Socket } from "socket.io-client";
import type { ClientToServerEvents, ServerToClientEvents } from "./contract";

// One for the page, outside of all components, which may be made and removed more than once. An event
// whose acknowledgement does not come is sent again, also after a reconnection.
export const socket: Socket<ServerToClientEvents, ClientToServerEvents> = io({
  autoConnect: false,
  ackTimeout: 5000,
  retries: 5,
});
