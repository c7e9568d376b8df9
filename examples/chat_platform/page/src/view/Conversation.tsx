import { useEffect, useRef } from "preact/hooks";
import { WIDE } from "../chat";
import type { ChannelView } from "../contract";
import { me } from "../session";
import { writers } from "../typing";
import { Composer } from "./Composer";
import { mayTakeFocus } from "./focus";
import { Label, Name } from "./Label";
import { Messages } from "./Messages";

/** One channel: what was said, who is typing, and the field for the next message. */
export function Conversation({ channel }: { channel: ChannelView }) {
  const heading = useRef<HTMLHeadingElement>(null);
  // A phone hides the link that had the focus; with two columns the focus stays where it is.
  useEffect(() => {
    if (!WIDE.matches && mayTakeFocus(channel.id)) heading.current?.focus({ preventScroll: true });
  }, []);

  return (
    <section class="conversation" aria-labelledby="title">
      <header>
        <a class="back" href="#/" aria-label="All conversations">‹</a>
        <h1 id="title" ref={heading} tabIndex={-1}><Label channel={channel} /></h1>
        {channel.type === "public" && (
          <span class="hint">{channel.userCount === 1 ? "1 member" : `${channel.userCount} members`}</span>
        )}
      </header>
      <Messages channel={channel} />
      <Typing channelId={channel.id} />
      <Composer channelId={channel.id} />
    </section>
  );
}

function Typing({ channelId }: { channelId: string }) {
  const ids = writers.value
    .filter((writer) => writer.channelId === channelId && writer.userId !== me.value?.id)
    .map((writer) => writer.userId);
  return (
    <p class="typing" role="status">
      {ids.map((id, index) => (
        <span key={id}>{index > 0 && ", "}<Name id={id} /></span>
      ))}
      {ids.length > 0 && (ids.length === 1 ? " is typing…" : " are typing…")}
    </p>
  );
}
