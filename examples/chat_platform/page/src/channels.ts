// The channels of this user, their unread counts, and the one that is open.

import { computed, signal } from "@preact/signals";
import type { ChannelView } from "./contract";
import { ask, socket } from "./socket";

/** The most that the server lists. */
const ALL = 100;
/** The most questions for one list, when messages come faster than answers. */
const ROUNDS = 5;

export const channels = signal<ReadonlyMap<string, ChannelView>>(new Map());

// The address says which one is open, so that the keys and gestures for "back" work, on phones above all.
export const readAddress = () => location.hash.replace(/^#\/?/, "");
export const openId = signal(readAddress());
addEventListener("hashchange", () => (openId.value = readAddress()));

export const openChannel = computed(() => channels.value.get(openId.value));

export const publicChannels = computed(() => ofType("public"));
export const privateChannels = computed(() => ofType("private"));

function ofType(type: ChannelView["type"]): ChannelView[] {
  return [...channels.value.values()].filter((channel) => channel.type === type);
}

let listing: Promise<void> | undefined;
let changes = 0;

/** Ask for the list, as it is now or later. */
export function listChannels(): Promise<void> {
  changes += 1; // an answer that is under way may be older than what our caller knows
  return (listing ??= list());
}

// While the server writes an answer, a message or a channel may overtake it. The answer knows nothing of them then,
// and would take them away again: it is asked for once more.
async function list(): Promise<void> {
  try {
    for (let round = 1; round <= ROUNDS; round += 1) {
      const before = changes;
      const { data } = await ask("channel:list", { size: ALL });
      const isCurrent = changes === before;
      const isBest = isCurrent || round === ROUNDS || channels.peek().size === 0;
      if (isBest) channels.value = new Map(data.map((channel) => [channel.id, channel]));
      if (isCurrent) return;
    }
  } finally {
    listing = undefined;
  }
}

export function put(channel: ChannelView): void {
  changes += 1;
  channels.value = new Map(channels.value).set(channel.id, channel);
}

export function setUnread(id: string, count: (before: number) => number): void {
  const channel = channels.peek().get(id);
  if (channel) put({ ...channel, unreadCount: count(channel.unreadCount) });
}

export function open(channel: ChannelView): void {
  put(channel);
  location.hash = `/${channel.id}`;
}

export async function createChannel(name: string): Promise<void> {
  open((await ask("channel:create", { name })).data);
}

export async function joinChannel(channelId: string): Promise<void> {
  open((await ask("channel:join", { channelId })).data);
}

export async function talkTo(userId: string): Promise<void> {
  open((await ask("user:reach", { userIds: [userId] })).data);
}

export const searchChannels = async (q: string) => (await ask("channel:search", { q })).data;
export const searchUsers = async (q: string) => (await ask("user:search", { q })).data;

// What this user does in other tabs, and conversations that others begin.
socket.on("channel:created", put);
socket.on("channel:joined", put);
