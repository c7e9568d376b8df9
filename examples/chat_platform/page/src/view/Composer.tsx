import { useSignal } from "@preact/signals";
import type { TargetedKeyboardEvent } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { send } from "../outbox";
import { stopTyping, type } from "../typing";
import { mayTakeFocus } from "./focus";

/** Characters that the server takes. */
const MAX_LENGTH = 5_000;

const drafts = new Map<string, string>(); // by channel, for those who look elsewhere meanwhile

/** A touch screen would bring its keyboard up. */
const hasKeyboard = () => matchMedia("(pointer: fine)").matches;

/** The field for the next message: Enter sends it, Shift and Enter begin a line. */
export function Composer({ channelId }: { channelId: string }) {
  const field = useRef<HTMLTextAreaElement>(null);
  const text = useSignal(drafts.get(channelId) ?? "");

  useEffect(() => {
    if (hasKeyboard() && mayTakeFocus(channelId)) field.current?.focus();
    return stopTyping;
  }, []);

  function change(value: string): void {
    text.value = value;
    drafts.set(channelId, value);
    type(channelId, value);
  }

  function submit(event: Event): void {
    event.preventDefault();
    if (text.value.trim() === "") return;
    send(channelId, text.value.trim());
    change("");
    field.current?.focus();
  }

  function onKeyDown(event: TargetedKeyboardEvent<HTMLTextAreaElement>): void {
    // Enter also ends the composition of a character, in Japanese for example.
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) submit(event);
  }

  return (
    <form class="composer" onSubmit={submit}>
      <label class="hidden" for="message">Message</label>
      <textarea id="message" ref={field} rows={1} maxLength={MAX_LENGTH} placeholder="Message"
        value={text.value} onInput={(event) => change(event.currentTarget.value)} onKeyDown={onKeyDown} />
      <button class="primary" disabled={text.value.trim() === ""}>Send</button>
    </form>
  );
}
