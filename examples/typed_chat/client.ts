// A client of server.py, typed by contract.ts.
import { io, type Socket } from "socket.io-client";
import type { ClientToServerEvents, Room, ServerToClientEvents } from "./contract.js";

export type Chat = Socket<ServerToClientEvents, ClientToServerEvents>;

export function connect(url: string): Chat {
  const chat: Chat = io(url, { transports: ["websocket"] });
  chat.on("said", ({ by, text }) => console.log(JSON.stringify({ said: text, by: by.name })));
  chat.on("entered", (person) => console.log(JSON.stringify({ entered: person.name })));
  chat.on("confirm", (question, _seconds, answer) => {
    console.log(JSON.stringify({ question }));
    answer(true);
  });
  return chat;
}

function never(error: never): never {
  throw new Error(JSON.stringify(error));
}

/** Enter a room; returns it, or the reason why not. */
export async function enter(chat: Chat, room: string, name: string): Promise<Room | string> {
  const result = await chat.emitWithAck("enter", room, { name });
  if (!("error" in result)) return result;
  const { error } = result;
  switch (error.code) {
    case "room_full":
      return `${error.message} (${error.details.taken} of ${error.details.all})`;
    case "validation":
      return error.details.map((detail) => `${detail.loc.join(".")}: ${detail.msg}`).join("; ");
    case "internal":
      return error.message;
    default:
      return never(error);
  }
}

/** Say something; returns the number of those who heard it, or nothing outside of a room. */
export async function say(chat: Chat, text: string): Promise<number | undefined> {
  const heard = await chat.emitWithAck("say", text);
  return typeof heard === "number" ? heard : undefined;
}
