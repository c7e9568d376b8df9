import { useSignal } from "@preact/signals";
import {
  createChannel, joinChannel, openId, privateChannels, publicChannels, searchChannels, searchUsers, talkTo,
} from "../channels";
import { orAlert } from "../alerts";
import type { ChannelView } from "../contract";
import { logOut, me } from "../session";
import { Label } from "./Label";
import { SearchDialog } from "./SearchDialog";

interface Opened {
  what: "channel" | "person";
  key: number;
}

let last = 0; // the key of the dialog that was opened last

/** The channels, the private conversations, and the ways to more of both. */
export function Sidebar() {
  const dialog = useSignal<Opened | null>(null);
  const opened = dialog.value;
  const open = (what: Opened["what"]) => (dialog.value = { what, key: (last += 1) });
  // The browser tells of a dialog that it has closed a moment later; the next one may be open by then.
  const close = () => {
    if (dialog.value === opened) dialog.value = null;
  };
  return (
    <nav class="sidebar" aria-label="Conversations">
      <h1>Chat</h1>
      <List title="Channels" channels={publicChannels.value} add="Add a channel"
        onAdd={() => open("channel")} />
      <List title="People" channels={privateChannels.value} add="Find somebody"
        onAdd={() => open("person")} />
      <footer>
        <span class="me">{me.value?.username}</span>
        <button type="button" onClick={() => void orAlert(logOut(), "The server cannot be reached.")}>
          Log out
        </button>
      </footer>
      {opened?.what === "channel" && (
        <SearchDialog key={opened.key} title="Add a channel" label="Name of the channel" action="Join"
          search={searchChannels} nameOf={(channel) => channel.name ?? ""}
          choose={(channel) => joinChannel(channel.id)}
          create={{ label: "Create", run: createChannel, problem: "Perhaps this name is taken." }}
          onClose={close} />
      )}
      {opened?.what === "person" && (
        <SearchDialog key={opened.key} title="Find somebody" label="Name of the person" action="Talk"
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
