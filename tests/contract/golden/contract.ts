// Events of Everything 1.2.3, written by socketio-asgi. Do not change this file by hand.
//
//   import { io, type Socket } from "socket.io-client";
//   const socket: Socket<ServerToClientEvents, ClientToServerEvents> = io();

/** Bytes: an ArrayBuffer in browsers, a Buffer in Node.js. */
export type Binary = ArrayBuffer | Uint8Array;

/** An acknowledgement that tells of an error; tell it from a value by its only key, "error". */
export interface ErrorAck<Code extends string = string, Details = null> {
  error: { code: Code; message: string; details: Details; status?: number };
}

export interface Address {
  street: string;
  title: string;
}

export interface CircleInput {
  type: "circle";
  radius: number;
  /** @default [0, 0] */
  center?: [number, number];
}

export interface CircleOutput {
  type: "circle";
  radius: number;
  /** @default [0, 0] */
  center: [number, number];
}

export type Color = "red" | "blue";

/** One problem of a value, as clients are told of it. */
export interface ErrorDetail {
  loc: (string | number)[];
  type: string;
  msg: string;
}

export interface Full {
  members: number;
}

/** A thing on a list. */
export interface ItemInput {
  id: number;
  tags?: string[];
  note?: string | null;
  color?: Color;
}

/** A thing on a list. */
export interface ItemOutput {
  id: number;
  tags: string[];
  note: string | null;
  color: Color;
}

export interface Options {
  limit: number;
  files?: { [key: string]: Binary };
}

export interface PageInt {
  items: number[];
  next: number | null;
}

export type Point = [x: number, y: number];

export interface SquareInput {
  type: "square";
  side: number;
  texture?: Binary;
}

export interface SquareOutput {
  type: "square";
  side: number;
  texture: Binary;
}

export interface Tree {
  value: ItemInput;
  children: Tree[];
}

/** Somebody. */
export interface UserInput {
  /** The whole name. */
  fullName: string;
  /** @default 3 */
  age?: number;
  address?: Address | null;
}

/** Somebody. */
export interface UserOutput {
  /** The whole name. */
  fullName: string;
  /** @default 3 */
  age: number;
  address: Address | null;
}

/** What clients send in /. */
export interface ClientToServerEvents {
  draw: (shape: CircleInput | SquareInput, ack: (result: (CircleOutput | SquareOutput)[] | ErrorAck<"validation", ErrorDetail[]> | ErrorAck<"internal">) => void) => void;
  /**
   * Join a room.
   *
   * The answer is the first thing in it.
   */
  join: (room: string, options: Options | null | undefined, ack: (result: ItemOutput | ErrorAck<"room_full", Full> | ErrorAck<"validation", ErrorDetail[]> | ErrorAck<"closed" | "internal">) => void) => void;
  later: (at: string, id: string, price: string | number, ack: (result: string | ErrorAck<"validation", ErrorDetail[]> | ErrorAck<"internal">) => void) => void;
  register: (user: UserInput, ack: (result: UserOutput | ErrorAck<"validation", ErrorDetail[]> | ErrorAck<"closed" | "internal">) => void) => void;
  tags: (...tags: string[]) => void;
  "two words": (tree: Tree, delete_: PageInt, ack: (result: number | ErrorAck<"validation", ErrorDetail[]> | ErrorAck<"internal">, value2?: string) => void) => void;
  typing: (on?: boolean, ack?: (error?: ErrorAck<"validation", ErrorDetail[]> | ErrorAck<"internal">) => void) => void;
  untyped: (value: unknown, other?: unknown) => void;
}

/** What clients get in /. */
export interface ServerToClientEvents {
  /** Ask for a choice. */
  ask: (question: string, choices: string[] | null, ack: (result: Color, value2: number) => void) => void;
  confirm: (value: UserOutput, ack: (result: boolean) => void) => void;
  log: (...lines: string[]) => void;
  /** Something new. */
  news: (value: ItemOutput) => void;
  position: (value1: Point, value2: "low" | "high") => void;
  ready: () => void;
}

/** What clients send in /admin. */
export interface AdminClientToServerEvents {
  restart: (ack: (result: Binary | ErrorAck<"closed" | "internal">) => void) => void;
}

/** What clients get in /admin. */
export interface AdminServerToClientEvents {
  /** Something new. */
  news: (value: ItemOutput) => void;
}

/** What clients send in /rooms/people. */
export interface RoomsPeopleClientToServerEvents {
  /** Leave a room. */
  leave: (room: string, ack?: (error?: ErrorAck<"validation", ErrorDetail[]> | ErrorAck<"internal">) => void) => void;
}

/** What clients get in /rooms/people. */
export interface RoomsPeopleServerToClientEvents {}

/** What clients send in the namespaces /room-\d+. */
export interface RoomClientToServerEvents {
  enter: (ack: (result: number | ErrorAck<"internal">) => void) => void;
}

/** What clients get in the namespaces /room-\d+. */
export interface RoomServerToClientEvents {}

/** What clients send in the namespaces is_tenant(). */
export interface IsTenantClientToServerEvents {}

/** What clients get in the namespaces is_tenant(). */
export interface IsTenantServerToClientEvents {
  ready: () => void;
}
