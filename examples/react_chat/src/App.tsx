import { useState, type FormEvent } from "react";
import { useChat, useConnected } from "./useChat";

const me = `Guest ${Math.floor(Math.random() * 1000)}`;

export function App() {
  const connected = useConnected();
  const { messages, pending, say } = useChat(me);
  const [text, setText] = useState("");

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (text.trim() === "") return;
    setText("");
    void say(text.trim());
  };

  return (
    <main>
      <header>
        <h1>React chat</h1>
        <output>{connected ? `connected as ${me}` : "offline"}</output>
      </header>
      <ol role="log" aria-label="Messages">
        {messages.map(({ id, author, text }) => (
          <li key={id} className={author === me ? "own" : ""}>
            <strong>{author}</strong> {text}
          </li>
        ))}
        {pending.map(({ id, text }) => (
          <li key={id} className="own pending">
            <strong>{me}</strong> {text}
          </li>
        ))}
      </ol>
      <form onSubmit={submit}>
        <input aria-label="Message" value={text} onChange={({ target }) => setText(target.value)} />
        <button>Send</button>
      </form>
    </main>
  );
}
