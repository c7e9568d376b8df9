// What breaks the contract: each line below a mark is an error, and tsc complains of a mark without.
import { io, type Socket } from "socket.io-client";
import type {
  AdminClientToServerEvents,
  AdminServerToClientEvents,
  ClientToServerEvents,
  ServerToClientEvents,
} from "./contract";

const socket: Socket<ServerToClientEvents, ClientToServerEvents> = io();
const admin: Socket<AdminServerToClientEvents, AdminClientToServerEvents> = io("/admin");

// @ts-expect-error: no such event
socket.emit("jion", "lobby");
// @ts-expect-error: an argument of another type
socket.emit("typing", "yes");
// @ts-expect-error: an argument is missing
socket.emit("later", "2030-01-01T00:00:00Z");
// @ts-expect-error: a surplus argument
socket.emit("typing", true, () => undefined, 5);
// @ts-expect-error: no such field
socket.emit("join", "lobby", { limit: 1, file: {} }, () => undefined);
// @ts-expect-error: an alias is the name on the wire
socket.emit("register", { name: "Ann" }, () => undefined);
// @ts-expect-error: a tag is missing
socket.emit("draw", { radius: 1 }, () => undefined);
// @ts-expect-error: an event of another namespace
admin.emit("typing", true);
// @ts-expect-error: no such event
socket.on("new", () => undefined);
// @ts-expect-error: a value has another type
socket.on("news", (item: string) => console.log(item));
// @ts-expect-error: an acknowledgement of another type
socket.on("confirm", (_user, ack) => ack("yes"));
// @ts-expect-error: an event that is not acknowledged
socket.on("news", (_item, ack) => ack());

export async function main(): Promise<void> {
  const joined = await socket.emitWithAck("join", "lobby", undefined);
  // @ts-expect-error: it may be an error
  console.log(joined.tags);
  if ("error" in joined && joined.error.code !== "room_full") {
    // @ts-expect-error: not every error has details of that kind
    console.log(joined.error.details.members);
  }
}
