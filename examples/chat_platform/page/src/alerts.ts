// What went wrong, for the user.

import { signal } from "@preact/signals";

export const alert = signal<string | null>(null);

/** Show a sentence when an action fails; resolves to undefined then. */
export async function orAlert<Value>(action: Promise<Value>, sentence: string): Promise<Value | undefined> {
  try {
    const value = await action;
    alert.value = null;
    return value;
  } catch {
    alert.value = sentence;
    return undefined;
  }
}
