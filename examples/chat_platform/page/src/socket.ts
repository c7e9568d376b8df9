// The one connection of this tab, its state, and how questions are asked over it.

import { signal } from "@preact/signals";
import { io, type Socket } from "socket.io-client";
import type { ClientToServerEvents, ServerToClientEvents } from "./contract";

/** Milliseconds in which an answer has to come. */
const ANSWER_TIMEOUT = 10_000;
/** Milliseconds between two attempts, where the client does not attempt by itself. */
export const PAUSE = 2_000;

// It connects when somebody has logged in: without the cookie of a session the server refuses.
export const socket: Socket<ServerToClientEvents, ClientToServerEvents> = io({ autoConnect: false });

export const connection = signal<"connecting" | "connected" | "lost">("connecting");

socket.on("connect", () => (connection.value = "connected"));
socket.on("disconnect", () => (connection.value = "lost"));
socket.on("connect_error", () => {
  connection.value = "lost";
  // Refused by a server that was reached, whose database is away, for example: the client tries no more.
  if (!socket.active) setTimeout(connectNow, PAUSE);
});

/** Connect at once, not at the end of the client's pause between two attempts. */
export function connectNow(): void {
  if (!socket.connected) socket.disconnect().connect();
}

addEventListener("online", () => socket.active && connectNow());

/** The server has answered `{status: "ERROR"}`. */
export class Refused extends Error {}

// What an event carries, and what a good answer to it is, read off the contract.
type Questions = Omit<ClientToServerEvents, "message:typing">;
type Payload<Name extends keyof Questions> = Parameters<Questions[Name]>[0];
type Answer<Name extends keyof Questions> = Parameters<Parameters<Questions[Name]>[1]>[0];
type GoodAnswer<Name extends keyof Questions> = Extract<Answer<Name>, { status: "OK" }>;

/**
 * Send an event, and wait for the answer to it.
 *
 * Throws `Refused`, or an `Error` when no answer came: in time, or before the connection was lost.
 */
export async function ask<Name extends keyof Questions>(
  name: Name,
  payload: Payload<Name>,
): Promise<GoodAnswer<Name>> {
  // The compiler does not follow the types of the client for a name that it does not know yet.
  const emitter = socket.timeout(ANSWER_TIMEOUT) as unknown as {
    emitWithAck(name: Name, payload: Payload<Name>): Promise<Answer<Name>>;
  };
  const answer = await emitter.emitWithAck(name, payload);
  if (answer.status !== "OK") throw new Refused(name);
  return answer as GoodAnswer<Name>;
}
