import { useSignal } from "@preact/signals";
import {
  createChannel, joinChannel, openId, privateChannels, publicChannels, searchChannels, searchUsers, talkTo,
} from "../channels";
import { orAlert } from "../alerts";
import type { ChannelView } from "../contract";
import { logOut, me } from "../session";
import { Label } from "./Label";
import { SearchDialog } from "./SearchDialog";

/** The channels, the private conversations, and the ways to more of both. */
export function Sidebar() {
  const dialog = useSignal<"channel" | "person" | null>(null);
  const close = () => (dialog.value = null);
  return (
    <nav class="sidebar" aria-label="Conversations">
      <h1>Chat</h1>
      <List title="Channels" channels={publicChannels.value} add="Add a channel"
        onAdd={() => (dialog.value = "channel")} />
      <List title="People" channels={privateChannels.value} add="Find somebody"
        onAdd={() => (dialog.value = "person")} />
      <footer>
        <span class="me">{me.value?.username}</span>
        <button type="button" onClick={() => void orAlert(logOut(), "The server cannot be reached.")}>
          Log out
        </button>
      </footer>
      {dialog.value === "channel" && (
        <SearchDialog title="Add a channel" label="Name of the channel" action="Join"
          search={searchChannels} nameOf={(channel) => channel.name ?? ""}
          choose={(channel) => joinChannel(channel.id)}
          create={{ label: "Create", run: createChannel, problem: "Perhaps this name is taken." }}
          onClose={close} />
      )}
      {dialog.value === "person" && (
        <SearchDialog title="Find somebody" label="Name of the person" action="Talk"
          search={searchUsers} nameOf={(user) => user.username}
          choose={(user) => talkTo(user.id)} onClose={close} />
      )}
    </nav>
  );
}

interface ListProps {
  title: string;
  channels: readonly ChannelView[];
  add: string;
  onAdd: () => void;
}

function List({ title, channels, add, onAdd }: ListProps) {
  return (
    <section>
      <h2>{title}</h2>
      <ul>
        {channels.map((channel) => (
          <li key={channel.id}>
            <a href={`#/${channel.id}`} aria-current={channel.id === openId.value ? "page" : undefined}>
              <Label channel={channel} />
              {channel.unreadCount > 0 && (
                <span class="count">
                  {channel.unreadCount}
                  <span class="hidden"> unread</span>
                </span>
              )}
            </a>
          </li>
        ))}
      </ul>
      <button type="button" class="add" onClick={onAdd}>{add}</button>
    </section>
  );
}
