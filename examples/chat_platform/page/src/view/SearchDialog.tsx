import { useSignal } from "@preact/signals";
import type { TargetedSubmitEvent } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";

/** Milliseconds without a key after which the server is asked. */
const PAUSE = 200;

interface Props<Item> {
  title: string;
  label: string;
  action: string;
  search: (text: string) => Promise<readonly Item[]>;
  nameOf: (item: Item) => string;
  choose: (item: Item) => Promise<void>;
  create?: { label: string; run: (name: string) => Promise<void>; problem: string };
  onClose: () => void;
}

/** Search as you type, and choose one of the results, or make what you have typed. */
export function SearchDialog<Item extends { id: string }>(props: Props<Item>) {
  const { title, label, action, search, nameOf, choose, create, onClose } = props;
  const dialog = useRef<HTMLDialogElement>(null);
  const text = useSignal("");
  const found = useSignal<readonly Item[] | null>(null);
  const problem = useSignal("");

  // The browser keeps the focus inside a modal dialog, closes it with Escape, and gives the focus back. It opens
  // before the next key is looked at: who opens it with the keyboard and types on loses no letter.
  useLayoutEffect(() => dialog.current?.showModal(), []);

  useEffect(() => {
    let isCurrent = true; // an answer that comes after the next question is of no use
    const timer = setTimeout(async () => {
      const items = await search(text.value.trim()).catch(() => null);
      if (!isCurrent) return;
      found.value = items;
      if (!items) problem.value = "The server does not answer.";
    }, PAUSE);
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [text.value]);

  function change(value: string): void {
    text.value = value;
    problem.value = "";
  }

  async function run(task: Promise<void>, sentence = "This did not work. Try again."): Promise<void> {
    try {
      await task;
      onClose();
    } catch {
      problem.value = sentence;
    }
  }

  function submit(event: TargetedSubmitEvent<HTMLFormElement>): void {
    event.preventDefault();
    if (create) void run(create.run(text.value.trim()), create.problem);
  }

  return (
    <dialog ref={dialog} aria-labelledby="dialog-title" onClose={onClose}>
      <h2 id="dialog-title">{title}</h2>
      <form onSubmit={submit}>
        <label>
          {label}
          <input type="search" autocomplete="off" required minLength={2} maxLength={32} value={text.value}
            onInput={(event) => change(event.currentTarget.value)} />
        </label>
        {create && <button class="primary">{create.label}</button>}
      </form>
      <p class="problem" role="alert">{problem.value}</p>
      <p class="hint" role="status">{found.value?.length === 0 && "Nothing is found."}</p>
      <ul class="results">
        {found.value?.map((item) => (
          <li key={item.id}>
            <span class="name">{nameOf(item)}</span>
            <button type="button" aria-label={`${action}: ${nameOf(item)}`}
              onClick={() => void run(choose(item))}>
              {action}
            </button>
          </li>
        ))}
      </ul>
      <button type="button" onClick={() => dialog.current?.close()}>Close</button>
    </dialog>
  );
}
