import type { ChannelView } from "../contract";
import { person } from "../people";

/** The name of a channel; of a private one, the name of the other person, and whether they are online. */
export function Label({ channel }: { channel: ChannelView }) {
  const [other] = channel.users;
  if (channel.type === "private" && other !== undefined) return <PersonLabel id={other} />;
  return (
    <span class="label">
      <span class="sign" aria-hidden="true">#</span>
      <span class="name">{channel.name}</span>
    </span>
  );
}

function PersonLabel({ id }: { id: string }) {
  const found = person(id).value;
  return (
    <span class="label">
      <span class={found?.isOnline ? "sign dot online" : "sign dot"} aria-hidden="true" />
      <span class="name">{found?.username ?? "…"}</span>
      {/* A colour alone says nothing to many. */}
      {found && <span class="hidden">{found.isOnline ? "(online)" : "(offline)"}</span>}
    </span>
  );
}

export function Name({ id }: { id: string }) {
  return <>{person(id).value?.username ?? "…"}</>;
}
