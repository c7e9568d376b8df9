// What happens when the connection comes, when a message comes, and when somebody reads it.

import { effect } from "@preact/signals";
import { channels, listChannels, openId, publicChannels, readAddress, setUnread } from "./channels";
import { orAlert } from "./alerts";
import { add, bringUpToDate, compareIds, historyOf } from "./history";
import { flush, restoreOutbox } from "./outbox";
import { me } from "./session";
import { ask, socket } from "./socket";
import { tabs } from "./tabs";

/** Where two columns have room; style.css has the same width. */
export const WIDE = matchMedia("(min-width: 48rem)");

// The order matters. Our own messages are first: those that the server had stored already get their id now, and
// are not taken for new ones when they come with what was missed.
async function synchronize(): Promise<void> {
  await listChannels().finally(flush);
  openSomething();
  await show(openId.peek());
}

function openSomething(): void {
  const [first] = publicChannels.peek();
  // The address itself: who has just chosen a channel is there, and stays there.
  if (readAddress() === "" && WIDE.matches && first) location.replace(`#/${first.id}`);
}

socket.on("connect", () => {
  if (socket.connected) void orAlert(synchronize(), "The messages could not be fetched.");
});

effect(() => {
  if (me.value) restoreOutbox();
});

effect(() => {
  if (!openId.value || !socket.connected) return;
  // Nobody tells us who has joined: the number of members is asked for.
  void orAlert(listChannels().then(() => show(openId.peek())), "The messages could not be fetched.");
});

async function show(channelId: string): Promise<void> {
  if (!channels.peek().has(channelId)) return;
  await bringUpToDate(channelId);
  await markRead(channelId);
}

socket.on("message:sent", (message) => {
  const { channelId, from, id } = message;
  const isNew = add(channelId, [message]) && compareIds(id, readElsewhere.get(channelId) ?? "") > 0;
  if (!channels.peek().has(channelId)) void showNewChannel();
  else if (from === me.peek()?.id) setUnread(channelId, () => 0); // from another tab, which has read it
  else if (isNew) setUnread(channelId, (before) => before + 1);
  void markRead(channelId);
});

async function showNewChannel(): Promise<void> {
  await listChannels().catch(() => undefined); // the next connection lists them as well
  await markRead(openId.peek());
}

/** Tell the server, and the other tabs, that what is on the screen was read. */
async function markRead(channelId: string): Promise<void> {
  if (channelId !== openId.peek() || document.visibilityState !== "visible") return;
  if (!channels.peek().get(channelId)?.unreadCount) return;
  const history = historyOf(channelId).peek();
  const last = history.messages.at(-1);
  if (history.state !== "current" || !last) return; // comes here again when it is
  setUnread(channelId, () => 0);
  await ask("message:ack", { channelId, messageId: last.id }).catch(() => undefined); // listed again then
  tabs.tell({ read: channelId, upTo: last.id });
  // A list that came in between may have been made before the server knew.
  if (historyOf(channelId).peek().messages.at(-1) === last) setUnread(channelId, () => 0);
}

document.addEventListener("visibilitychange", () => void markRead(openId.peek()));

// By channel, the last message that another tab has shown: its news may be here before the message is.
const readElsewhere = new Map<string, string>();

tabs.onTold((news) => {
  if (!("read" in news)) return;
  readElsewhere.set(news.read, news.upTo);
  const last = historyOf(news.read).peek().messages.at(-1);
  if (!last || compareIds(last.id, news.upTo) <= 0) setUnread(news.read, () => 0);
});
