// The tabs of one browser tell each other what the server tells none of them.

type News =
  | { session: "changed" } // somebody has logged in or out
  | { read: string; upTo: string }; // a channel was read, up to this message

const channel = new BroadcastChannel("chat-platform");

export const tabs = {
  /** Tell all other tabs. */
  tell(news: News): void {
    channel.postMessage(news);
  },

  onTold(listener: (news: News) => void): void {
    channel.addEventListener("message", ({ data }: MessageEvent<News>) => listener(data));
  },
};
