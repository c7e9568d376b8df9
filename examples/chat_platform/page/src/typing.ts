// Who is typing, both ways.

import { signal } from "@preact/signals";
import { socket } from "./socket";

/** Milliseconds after which "is typing" is said again. */
const REPETITION = 3_000;
/** Milliseconds after which a writer who says nothing more has stopped: longer than the above. */
const SILENCE = 6_000;

interface Writer {
  channelId: string;
  userId: string;
}

export const writers = signal<readonly Writer[]>([]);

const timers = new Map<string, ReturnType<typeof setTimeout>>();

socket.on("message:typing", ({ channelId, userId, isTyping }) => {
  forget(channelId, userId);
  if (!isTyping) return;
  writers.value = [...writers.value, { channelId, userId }];
  // Their tab or their server may be gone before it says that they have stopped.
  timers.set(`${channelId} ${userId}`, setTimeout(forget, SILENCE, channelId, userId));
});

socket.on("message:sent", ({ channelId, from }) => forget(channelId, from));

socket.on("disconnect", () => (writers.value = []));

function forget(channelId: string, userId: string): void {
  clearTimeout(timers.get(`${channelId} ${userId}`));
  writers.value = writers.value.filter(
    (writer) => writer.channelId !== channelId || writer.userId !== userId,
  );
}

// What this tab says. Volatile: old news, which are not kept for the next connection.
let said: { channelId: string; at: number } | undefined;
let pause: ReturnType<typeof setTimeout>;

/** The user has changed the text of a message. */
export function type(channelId: string, text: string): void {
  if (text === "") return stopTyping();
  clearTimeout(pause);
  pause = setTimeout(stopTyping, SILENCE);
  if (said && said.channelId === channelId && Date.now() - said.at < REPETITION) return;
  said = { channelId, at: Date.now() };
  socket.volatile.emit("message:typing", { channelId, isTyping: true });
}

export function stopTyping(): void {
  clearTimeout(pause);
  if (said) socket.volatile.emit("message:typing", { channelId: said.channelId, isTyping: false });
  said = undefined;
}
