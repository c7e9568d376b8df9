// A client that keeps to the contract; compiled with --strict, never run.
import { io, type Socket } from "socket.io-client";
import type {
  AdminClientToServerEvents,
  AdminServerToClientEvents,
  ClientToServerEvents,
  ItemOutput,
  ServerToClientEvents,
  UserOutput,
} from "./contract";

const socket: Socket<ServerToClientEvents, ClientToServerEvents> = io();
const admin: Socket<AdminServerToClientEvents, AdminClientToServerEvents> = io("/admin");

function never(value: never): never {
  throw new Error(value);
}

export async function main(): Promise<void> {
  const joined = await socket.emitWithAck("join", "lobby", undefined);
  if ("error" in joined) {
    const { error } = joined;
    switch (error.code) {
      case "room_full": {
        const members: number = error.details.members;
        return console.log(members);
      }
      case "validation":
        return console.log(error.details[0]?.msg);
      case "closed":
      case "internal":
        return console.log(error.message);
      default:
        never(error);
    }
  }
  const item: ItemOutput = joined;
  const tags: string[] = item.tags;
  const color: "red" | "blue" = item.color;
  console.log(tags, color);

  socket.emit("join", "lobby", { limit: 1, files: { a: new Uint8Array(1) } }, (result) => {
    if (!("error" in result)) console.log(result.note?.length);
  });
  socket.timeout(5).emit("join", "lobby", undefined, (failure, result) => {
    if (!failure && !("error" in result)) console.log(result.id);
  });
  socket.emit("typing");
  socket.emit("typing", true);
  socket.emit("typing", true, (failed) => console.log(failed?.error.message));
  socket.emit("tags", "a", "b");
  socket.emit("untyped", { any: "thing" });

  const leaf = { value: { id: 1 }, children: [] };
  socket.emit("two words", { value: { id: 2, note: null }, children: [leaf] },
    { items: [1], next: null }, (first, second) => console.log(first, second?.length));

  const user = await socket.emitWithAck("register", { fullName: "Ann Lee" });
  if (!("error" in user)) {
    const known: UserOutput = user;
    const age: number = known.age;
    console.log(age, known.address?.street);
  }
  const shapes = await socket.emitWithAck("draw", { type: "circle", radius: 1 });
  if (!("error" in shapes)) {
    for (const shape of shapes) {
      if (shape.type === "circle") console.log(shape.center[1]);
      else console.log(shape.texture);
    }
  }
  await socket.emitWithAck("later", "2030-01-01T00:00:00Z", "id", "9.90");
  const bytes = await admin.emitWithAck("restart");
  if (!("error" in bytes)) console.log(bytes);
}

socket.on("news", (item) => console.log(item.tags.join()));
socket.on("position", ([x, y], level) => console.log(x + y, level === "low"));
socket.on("ready", () => console.log("ready"));
socket.on("confirm", (user, ack) => ack(user.fullName !== ""));
socket.on("ask", (question, choices, ack) => {
  console.log(question.length, choices?.[0]);
  ack("red", 1);
});
socket.on("log", (...lines) => console.log(lines.join()));
