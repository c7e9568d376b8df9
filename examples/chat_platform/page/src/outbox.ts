// Messages on their way to the server.
//
// A message leaves this list only when the server has acknowledged it. When the connection is lost before, nobody
// knows whether the message or its acknowledgement was lost: it is sent again, with the same id of
// ours, by which the server tells a repetition. Nothing is lost then, and nothing stored twice.

import { signal } from "@preact/signals";
import { setUnread } from "./channels";
import { add } from "./history";
import { me } from "./session";
import { ask, Refused, socket } from "./socket";

export interface Outgoing {
  clientId: string;
  channelId: string;
  content: string;
  /** The server has refused it; it waits for what the user decides. */
  isRefused?: boolean;
}

export const outbox = signal<readonly Outgoing[]>([]);

// Kept in the storage of the tab, so that it outlives a reload of the page.
const storageKey = () => `outbox:${me.peek()?.id}`;

export function restoreOutbox(): void {
  outbox.value = JSON.parse(sessionStorage.getItem(storageKey()) ?? "[]") as Outgoing[];
}

function update(messages: readonly Outgoing[]): void {
  outbox.value = messages;
  sessionStorage.setItem(storageKey(), JSON.stringify(messages));
}

export function send(channelId: string, content: string): void {
  update([...outbox.peek(), { clientId: randomId(), channelId, content }]);
  void flush();
}

export function sendAgain(message: Outgoing): void {
  discard(message);
  const { isRefused: _, ...again } = message;
  update([...outbox.peek(), again]);
  void flush();
}

export function discard({ clientId }: Outgoing): void {
  update(outbox.peek().filter((message) => message.clientId !== clientId));
}

let flushing: Promise<void> | undefined;

/** Send what waits, one after another, so that the server stores it in this order. */
export function flush(): Promise<void> {
  flushing ??= sendAll().finally(() => (flushing = undefined));
  return flushing;
}

async function sendAll(): Promise<void> {
  for (let next; socket.connected && (next = outbox.peek().find((one) => !one.isRefused)); ) {
    await deliver(next);
  }
}

async function deliver(message: Outgoing): Promise<void> {
  const { channelId, content, clientId } = message;
  try {
    const { data } = await ask("message:send", { channelId, content, clientId });
    add(channelId, [{ id: data.id, channelId, from: me.peek()!.id, content }]);
    discard(message);
    setUnread(channelId, () => 0); // who writes has read what was there
  } catch (error) {
    // Otherwise no answer has come, and the loop goes on: at once or with the next connection.
    if (error instanceof Refused) {
      update(outbox.peek().map((one) => (one === message ? { ...message, isRefused: true } : one)));
    }
  }
}

// A UUID of version 4. `crypto.randomUUID` is missing on pages without TLS, other than those of localhost.
function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
