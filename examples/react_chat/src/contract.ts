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

export interface Message {
  id: string;
  author: string;
  text: string;
}

/** What clients send in /. */
export interface ClientToServerEvents {
  /**
   * Say something to all.
   *
   * A client that has lost its connection before the acknowledgement came sends the message again,
   * with the id that it had.
   */
  say: (message: Message, ack?: (error?: ErrorAck<"validation", ErrorDetail[]> | ErrorAck<"internal">) => void) => void;
}

/** What clients get in /. */
export interface ServerToClientEvents {
  /** The latest messages, for a client that comes. */
  history: (value: Message[]) => void;
  /** A new message, for all. */
  said: (value: Message) => void;
}
