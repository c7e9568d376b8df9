// Events of Socket.IO API 0.1.0, written by socketio-asgi. Do not change this file by hand.
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

export interface Results {
  question: string;
  votes: { [key: string]: number };
}

/** What clients send in /. */
export interface ClientToServerEvents {
  /** Vote, or change the vote. */
  vote: (drink: "coffee" | "tea" | "water", ack?: (error?: ErrorAck<"validation", ErrorDetail[]> | ErrorAck<"internal">) => void) => void;
}

/** What clients get in /. */
export interface ServerToClientEvents {
  /** The votes of all. */
  results: (value: Results) => void;
  /** The vote of this client. */
  yours: (value: "coffee" | "tea" | "water" | null) => void;
}
