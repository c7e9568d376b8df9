// Who uses this tab, from log-in to log-out, also when that happens in another tab.

import { signal } from "@preact/signals";
import { type Account, enter, leave, whoAmI } from "./accounts";
import { PAUSE, socket } from "./socket";
import { tabs } from "./tabs";

/** Undefined until the server has said who it is; null when nobody is logged in. */
export const me = signal<Account | null | undefined>(undefined);

/** Ask the server who is logged in, as long as it takes, and act on the answer. */
export async function resume(): Promise<void> {
  const account = await whoAmI().catch(() => undefined);
  if (account === undefined) {
    setTimeout(resume, PAUSE);
  } else if (me.value && me.value.id !== account?.id) {
    startAfresh();
  } else {
    use(account);
  }
}

function use(account: Account | null): void {
  me.value = me.peek() ?? account; // the same one after an interruption
  if (account) socket.connect();
}

// Nothing of one user can be left for the next one in a page that has begun anew.
function startAfresh(): void {
  location.hash = "";
  location.reload();
}

/** Log in or sign up; returns the reason why not, if there is one. */
export async function logIn(...how: Parameters<typeof enter>): Promise<string | undefined> {
  const result = await enter(...how);
  if (typeof result === "string") return result;
  use(result);
  tabs.tell({ session: "changed" });
  return undefined;
}

export async function logOut(): Promise<void> {
  await leave();
  tabs.tell({ session: "changed" });
  startAfresh();
}

tabs.onTold((news) => {
  if ("session" in news) void resume();
});

// The server ends the connections of a session that logs out, wherever it does so; and it refuses those
// without a session (the first request is HTTP, and its status tells that from a server that is down).
socket.on("disconnect", (reason) => {
  if (reason === "io server disconnect") void resume();
});
socket.on("connect_error", (error) => {
  const isUnauthorized =
    "context" in error && error.context instanceof XMLHttpRequest && error.context.status === 401;
  if (isUnauthorized) void resume();
});
