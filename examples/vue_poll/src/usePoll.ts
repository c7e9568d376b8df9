import { io, type Socket } from "socket.io-client";
import { onMounted, onUnmounted, reactive, readonly } from "vue";
import type { ClientToServerEvents, Results, ServerToClientEvents } from "./contract";

export type Drink = Parameters<ClientToServerEvents["vote"]>[0];

/** The id of this browser, which keeps it. */
function voter(): string {
  const id = localStorage.getItem("voter") ?? `${Date.now()}-${Math.random()}`;
  localStorage.setItem("voter", id);
  return id;
}

// One for the page, outside of all components. A vote whose acknowledgement does not come is sent
// again, also after a reconnection; it counts once, however often it comes.
const socket: Socket<ServerToClientEvents, ClientToServerEvents> = io({
  autoConnect: false,
  auth: { voter: voter() },
  ackTimeout: 5000,
  retries: 5,
});

/** The state of the poll, as the server has it, and how to vote. */
export function usePoll() {
  const state = reactive({
    connected: socket.connected,
    results: null as Results | null,
    yours: null as Drink | null,
  });
  const handlers = {
    connect: () => void (state.connected = true),
    disconnect: () => void (state.connected = false),
    // The whole state comes with each connection, so nothing of what was missed is missing.
    results: (results: Results) => void (state.results = results),
    yours: (drink: Drink | null) => void (state.yours = drink),
  };

  onMounted(() => {
    socket.on("connect", handlers.connect);
    socket.on("disconnect", handlers.disconnect);
    socket.on("results", handlers.results);
    socket.on("yours", handlers.yours);
    socket.connect();
  });
  onUnmounted(() => {
    socket.off("connect", handlers.connect);
    socket.off("disconnect", handlers.disconnect);
    socket.off("results", handlers.results);
    socket.off("yours", handlers.yours);
    socket.disconnect();
  });

  async function vote(drink: Drink): Promise<void> {
    state.yours = drink;
    await socket.emitWithAck("vote", drink);
  }

  return { state: readonly(state), vote };
}
