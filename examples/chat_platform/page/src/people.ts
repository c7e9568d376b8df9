// The names of people, and whether they are online.

import { type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { UserState } from "./contract";
import { ask, socket } from "./socket";

// A signal for each: when somebody comes or goes, only what shows that person is drawn again.
const people = new Map<string, Signal<UserState | undefined>>();

/** Somebody; undefined until the server has answered. */
export function person(id: string): ReadonlySignal<UserState | undefined> {
  let found = people.get(id);
  if (!found) {
    found = signal(undefined);
    people.set(id, found);
    void look(id);
  }
  return found;
}

// What was told since a question was asked. It is newer than the answer, whichever of them comes first.
const told = new Map<string, boolean>();

// To ask is to subscribe: from then on the server tells this connection when they come and go. A new
// connection has asked for nobody yet.
async function look(id: string): Promise<void> {
  if (!socket.connected) return; // the next connection asks
  told.delete(id);
  const answer = await ask("user:get", { userId: id }).catch(() => undefined);
  if (!answer) return;
  people.get(id)!.value = { ...answer.data, isOnline: told.get(id) ?? answer.data.isOnline };
}

socket.on("connect", () => {
  for (const id of people.keys()) void look(id);
});

function setOnline(id: string, isOnline: boolean): void {
  told.set(id, isOnline);
  const found = people.get(id);
  if (found?.value) found.value = { ...found.value, isOnline };
}

socket.on("user:connected", (id) => setOnline(id, true));
socket.on("user:disconnected", (id) => setOnline(id, false));
