import { computed, effect } from "@preact/signals";
import { alert } from "../alerts";
import { channels, openChannel } from "../channels";
import { me } from "../session";
import { connection, connectNow } from "../socket";
import { Conversation } from "./Conversation";
import { Entrance } from "./Entrance";
import { Sidebar } from "./Sidebar";

const unread = computed(() =>
  [...channels.value.values()].reduce((sum, { unreadCount }) => sum + unreadCount, 0),
);
effect(() => {
  document.title = unread.value > 0 ? `(${unread.value}) Chat` : "Chat";
});

export function App() {
  if (me.value === undefined) return <p class="waiting" role="status">Connecting to the server…</p>;
  if (me.value === null) return <Entrance />;
  return (
    <>
      <Connection />
      <Alert />
      {/* Of two columns, a phone shows one: the conversation if one is open. */}
      <main class={openChannel.value ? "columns has-open" : "columns"}>
        <Sidebar />
        {openChannel.value ? (
          <Conversation key={openChannel.value.id} channel={openChannel.value} />
        ) : (
          <section class="conversation nothing">
            <p>Choose a channel, or somebody to talk to.</p>
          </section>
        )}
      </main>
    </>
  );
}

// The element stays, because screen readers announce what changes in it.
function Connection() {
  return (
    <div class="notice" role="status">
      {connection.value === "lost" && (
        <p>
          The connection is lost. What you write is sent when it is back.
          <button type="button" onClick={connectNow}>Try now</button>
        </p>
      )}
    </div>
  );
}

function Alert() {
  return (
    <div class="notice alert" role="alert">
      {alert.value !== null && (
        <p>
          {alert.value}
          <button type="button" onClick={() => (alert.value = null)}>Close</button>
        </p>
      )}
    </div>
  );
}
