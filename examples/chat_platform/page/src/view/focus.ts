// Where the focus may go when a conversation opens.

/** Whether nobody is at anything else: who opened it, and has gone on meanwhile, stays there. */
export function mayTakeFocus(channelId: string): boolean {
  const active = document.activeElement;
  return active === null || active === document.body || active.getAttribute("href") === `#/${channelId}`;
}
