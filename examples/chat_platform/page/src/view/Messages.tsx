import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { orAlert } from "../alerts";
import type { ChannelView, MessageView } from "../contract";
import { fetchOlder, historyOf } from "../history";
import { discard, type Outgoing, outbox, sendAgain } from "../outbox";
import { me } from "../session";
import { Name } from "./Label";

/** Pixels from the end within which the reader is taken to be there. */
const NEAR = 60;

/** What was said in a channel. It follows new messages, unless the reader has scrolled up. */
export function Messages({ channel }: { channel: ChannelView }) {
  const { messages, hasOlder, state } = historyOf(channel.id).value;
  const waiting = outbox.value.filter((message) => message.channelId === channel.id);
  const scroller = useRef<HTMLDivElement>(null);
  const distance = useRef(0); // pixels between what is seen and the end
  const isBusy = useSignal(false);
  const isBehind = useSignal(false);
  const first = messages[0]?.id;
  const last = waiting.at(-1)?.clientId ?? messages.at(-1)?.id;

  function toEnd(): void {
    scroller.current!.scrollTop = scroller.current!.scrollHeight;
  }

  // Older messages above: what is read stays where it is.
  useLayoutEffect(() => {
    const { scrollHeight, clientHeight } = scroller.current!;
    scroller.current!.scrollTop = scrollHeight - clientHeight - distance.current;
  }, [first]);

  useLayoutEffect(() => {
    if (distance.current < NEAR || waiting.length > 0) toEnd();
    else isBehind.value = true;
  }, [last]);

  function onScroll(): void {
    const { scrollHeight, scrollTop, clientHeight } = scroller.current!;
    distance.current = scrollHeight - scrollTop - clientHeight;
    if (distance.current < NEAR) isBehind.value = false;
    if (scrollTop < NEAR) void loadOlder();
  }

  async function loadOlder(): Promise<void> {
    if (isBusy.value || !hasOlder) return;
    isBusy.value = true;
    await orAlert(fetchOlder(channel.id), "Earlier messages could not be fetched.");
    isBusy.value = false;
  }

  return (
    <div class="messages">
      {/* The keyboard scrolls what has the focus; a log is read out as it grows. */}
      <div class="scroller" ref={scroller} onScroll={onScroll} tabIndex={0} role="log"
        aria-label="Messages" aria-busy={isBusy.value || state === "unknown"}>
        {hasOlder && (
          <button type="button" class="older" onClick={loadOlder}>Earlier messages</button>
        )}
        {state === "current" && messages.length + waiting.length === 0 && (
          <p class="hint">Nobody has said anything yet.</p>
        )}
        <ol>
          {messages.map((message, index) => (
            <Said key={message.id} message={message} isFirst={messages[index - 1]?.from !== message.from} />
          ))}
          {waiting.map((message) => (
            <Waiting key={message.clientId} message={message} />
          ))}
        </ol>
      </div>
      {isBehind.value && (
        <button type="button" class="latest" onClick={toEnd}>New messages ↓</button>
      )}
    </div>
  );
}

function Said({ message, isFirst }: { message: MessageView; isFirst: boolean }) {
  const isMine = message.from === me.value?.id;
  return (
    <li class={`${isMine ? "mine" : ""} ${isFirst ? "first" : ""}`}>
      {isFirst && <strong>{isMine ? "You" : <Name id={message.from} />}</strong>}
      <p>{message.content}</p>
    </li>
  );
}

function Waiting({ message }: { message: Outgoing }) {
  return (
    <li class="mine waiting">
      <p>{message.content}</p>
      {message.isRefused ? (
        <small class="problem">
          Not sent.
          <button type="button" class="link" onClick={() => sendAgain(message)}>Send again</button>
          <button type="button" class="link" onClick={() => discard(message)}>Discard</button>
        </small>
      ) : (
        <small>Sending…</small>
      )}
    </li>
  );
}
