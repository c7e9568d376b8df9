import { useCallback, useEffect, useState, useSyncExternalStore } from "react";
import type { Message } from "./contract";
import { socket } from "./socket";

function subscribe(onChange: () => void): () => void {
  socket.on("connect", onChange);
  socket.on("disconnect", onChange);
  return () => {
    socket.off("connect", onChange);
    socket.off("disconnect", onChange);
  };
}

/** Whether there is a connection. */
export function useConnected(): boolean {
  return useSyncExternalStore(subscribe, () => socket.connected);
}

/** The messages of all, those of this page that the server does not have yet, and how to add one. */
export function useChat(author: string) {
  const [messages, setMessages] = useState<Message[]>([]);
  const [pending, setPending] = useState<Message[]>([]);

  useEffect(() => {
    // The history comes with each connection: what was missed is in it, and nothing is doubled.
    const onHistory = (history: Message[]) => setMessages(history);
    const onSaid = (message: Message) => setMessages((known) => [...known, message]);
    socket.on("history", onHistory);
    socket.on("said", onSaid);
    socket.connect();
    // StrictMode runs effects twice during development: the second run finds nothing of the first.
    return () => {
      socket.off("history", onHistory);
      socket.off("said", onSaid);
      socket.disconnect();
    };
  }, []);

  const say = useCallback(
    async (text: string) => {
      const message = { id: makeId(), author, text };
      setPending((known) => [...known, message]);
      await socket.emitWithAck("say", message);
      setPending((known) => known.filter(({ id }) => id !== message.id));
    },
    [author],
  );

  const ids = new Set(messages.map(({ id }) => id));
  return { messages, pending: pending.filter(({ id }) => !ids.has(id)), say };
}

// crypto.randomUUID() exists on pages over HTTPS alone.
const makeId = () => `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;
