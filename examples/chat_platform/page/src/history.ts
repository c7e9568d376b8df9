// The messages of each channel: those that this tab has seen, in their order, each once.
//
// A connection that is lost leaves a gap at the end of each history. It is closed when the channel is
// looked at again, by asking for what came after the last message before the gap.

import { type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { MessageView } from "./contract";
import { ask, socket } from "./socket";

export interface History {
  messages: readonly MessageView[];
  /** Whether the server has messages before these. */
  hasOlder: boolean;
  /** Stale: the connection was lost since, and messages may be missing at the end. */
  state: "unknown" | "stale" | "current";
}

/** Messages of one page when somebody reads backwards. */
const PAGE = 30;
/** Messages of one page when missed ones are fetched: the most that the server gives. */
const MISSED = 100;
// Messages that come by several servers may overtake each other, and the connection may be lost between them.
// Missed ones are asked for from a little further back, therefore; those that are known are told by their ids.
const OVERLAP = 10;

const EMPTY: History = { messages: [], hasOlder: false, state: "unknown" };
const histories = new Map<string, Signal<History>>();
const gaps = new Map<string, string>(); // for stale ones: the id behind which messages may be missing

export function historyOf(channelId: string): ReadonlySignal<History> {
  return entry(channelId);
}

function entry(channelId: string): Signal<History> {
  let found = histories.get(channelId);
  if (!found) histories.set(channelId, (found = signal(EMPTY)));
  return found;
}

/** Below zero if the first comes before the second: ids are numbers of 64 bits, as text. */
export function compareIds(one: string, other: string): number {
  return one.length - other.length || (one < other ? -1 : Number(one > other));
}

/** Put messages where they belong; returns whether one of them is new. */
export function add(channelId: string, more: readonly MessageView[]): boolean {
  const history = entry(channelId);
  const before = history.peek();
  const byId = new Map([...before.messages, ...more].map((message) => [message.id, message]));
  if (byId.size === before.messages.length) return false;
  const messages = [...byId.values()].sort((one, other) => compareIds(one.id, other.id));
  history.value = { ...before, messages };
  return true;
}

function set(channelId: string, changes: Partial<History>): void {
  const history = entry(channelId);
  history.value = { ...history.peek(), ...changes };
}

/** Make sure that nothing is missing at the end. */
export async function bringUpToDate(channelId: string): Promise<void> {
  const { state } = entry(channelId).peek();
  if (state === "unknown") await fetchNewest(channelId);
  if (state === "stale") await fetchMissed(channelId);
}

async function fetchNewest(channelId: string): Promise<void> {
  const page = await ask("message:list", { channelId, size: PAGE, orderBy: "id:desc" });
  const first = page.data.at(-1)?.id ?? "0";
  // What came meanwhile joins the page; an older message, by the outbox, would leave a gap before it.
  const { messages } = entry(channelId).peek();
  set(channelId, { messages: messages.filter(({ id }) => compareIds(id, first) > 0) });
  add(channelId, page.data);
  set(channelId, { state: "current", hasOlder: page.hasMore });
}

async function fetchMissed(channelId: string): Promise<void> {
  for (let isComplete = false; !isComplete; ) {
    const after = gaps.get(channelId) ?? "0";
    const page = await ask("message:list", { channelId, after, size: MISSED, orderBy: "id:asc" });
    add(channelId, page.data);
    const last = page.data.at(-1);
    if (last) gaps.set(channelId, last.id);
    isComplete = !page.hasMore;
  }
  set(channelId, { state: "current" });
}

/** Fetch the page before the first message. */
export async function fetchOlder(channelId: string): Promise<void> {
  const after = entry(channelId).peek().messages[0]?.id;
  if (after === undefined) return;
  const page = await ask("message:list", { channelId, after, size: PAGE, orderBy: "id:desc" });
  add(channelId, page.data);
  set(channelId, { hasOlder: page.hasMore });
}

socket.on("disconnect", () => {
  for (const [channelId, history] of histories) {
    const { state, messages, hasOlder } = history.peek();
    // What came in while nobody had opened the channel is not joined to anything: it is fetched then.
    if (state === "unknown") history.value = EMPTY;
    if (state !== "current") continue; // a gap that is open already begins where it began
    const known = messages.at(-OVERLAP) ?? (hasOlder ? messages[0] : undefined);
    if (known) gaps.set(channelId, known.id);
    else gaps.delete(channelId); // so few that all are asked for
    set(channelId, { state: "stale" });
  }
});
