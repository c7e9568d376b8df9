// Events of Chat 1.0.0, written by socketio-asgi. Do not change this file by hand.
//
//   import { io, type Socket } from "socket.io-client";
//   const socket: Socket<ServerToClientEvents, ClientToServerEvents> = io();

/** An acknowledgement that tells of an error; tell it from a value by its only key, "error". */
export interface ErrorAck<Code extends string = string, Details = null> {
  error: { code: Code; message: string; details: Details; status?: number };
}

/** One problem of a value, as clients are told of it. */
export interface ErrorDetail {
  loc: (string | number)[];
  type: string;
  msg: string;
}

export interface Message {
  by: PersonOutput;
  text: string;
}

/** Somebody in a room. */
export interface PersonInput {
  name: string;
  /** @default "guest" */
  role?: "host" | "guest";
}

/** Somebody in a room. */
export interface PersonOutput {
  name: string;
  role: "host" | "guest";
}

export interface Places {
  taken: number;
  all: number;
}

export interface Room {
  name: string;
  people: PersonOutput[];
}

/** What clients send in /. */
export interface ClientToServerEvents {
  /** Ask everybody else in the room whether to clear it. */
  clear: (ack: (result: "cleared" | "kept" | ErrorAck<"internal" | "not_in_room">) => void) => void;
  /** Enter a room. */
  enter: (room: string, person: PersonInput, ack: (result: Room | ErrorAck<"room_full", Places> | ErrorAck<"validation", ErrorDetail[]> | ErrorAck<"internal">) => void) => void;
  /** Say something to all in the room; the answer is their number. */
  say: (text: string, ack: (result: number | ErrorAck<"validation", ErrorDetail[]> | ErrorAck<"internal" | "not_in_room">) => void) => void;
}

/** What clients get in /. */
export interface ServerToClientEvents {
  /** Ask for a yes or a no. */
  confirm: (question: string, seconds: number, ack: (result: boolean) => void) => void;
  /** Somebody has entered the room. */
  entered: (value: PersonOutput) => void;
  /** Somebody has said something. */
  said: (value: Message) => void;
}
