// What one sees. Text of others reaches the page through textContent only, never as HTML.

const MAX_ENTRIES = 500; // older ones leave the page, so that it never grows without bound
const TYPING_SHOWN = 4000; // milliseconds that a typing notice stays without a new one
const NEAR_BOTTOM = 60; // pixels that still count as "at the bottom"
const NAME_KEY = "socketio-asgi-demo.name";
const PAGE_TITLE = document.title;

const byId = (id) => document.getElementById(id);
const log = byId("log");
const scroller = byId("scroller");
const textField = byId("text");
const dialog = byId("name-dialog");

// ---- name ----

export function storedName() {
  try {
    return localStorage.getItem(NAME_KEY) ?? "";
  } catch {
    return ""; // storage is blocked: the name is asked at every visit
  }
}

export function storeName(name) {
  try {
    localStorage.setItem(NAME_KEY, name);
  } catch {
    // as above
  }
}

export function showName(name) {
  const button = byId("me");
  button.querySelector(".my-name").textContent = name;
  paint(button, name);
  button.hidden = false;
}

/** Asks for a name; resolves to it, or to "" when the dialog was cancelled. */
export function askName(current, problem) {
  const field = byId("name");
  field.value = current;
  byId("name-error").textContent = problem;
  byId("name-cancel").hidden = !current;
  byId("name-save").textContent = current ? "Save" : "Join the chat";
  if (!dialog.open) dialog.showModal();
  field.select();
  return new Promise((resolve) => {
    let answer = "";
    const close = (name) => {
      answer = name;
      dialog.close();
    };
    dialog.onclose = () => {
      if (!answer && !current) return dialog.showModal(); // Escape is no way into the chat
      textField.focus();
      resolve(answer);
    };
    byId("name-cancel").onclick = () => close("");
    byId("name-form").onsubmit = (event) => {
      event.preventDefault();
      const name = wellFormed(field.value.trim());
      if (name) close(name);
      else byId("name-error").textContent = "Please write a name.";
    };
  });
}

export function onRename(callback) {
  byId("me").addEventListener("click", callback);
}

// ---- header ----

let countdown;

export function showConnection(state, text) {
  clearInterval(countdown);
  setConnection(state, text);
  byId("announcer").textContent = text;
}

/** Counts down the milliseconds; a screen reader hears the first text only. */
export function showCountdown(delay, describe) {
  const end = Date.now() + delay;
  const text = () => describe(Math.max(1, Math.ceil((end - Date.now()) / 1000)));
  showConnection("waiting", text());
  countdown = setInterval(() => setConnection("waiting", text()), 250);
}

function setConnection(state, text) {
  byId("connection").dataset.state = state;
  byId("connection-text").textContent = text;
}

/** Shows the number of people; null while it is unknown. */
export function showOnline(count) {
  byId("online").hidden = count === null;
  byId("online-count").textContent = count ?? "";
}

// ---- conversation ----

/** Adds a message and returns `show(state, problem, retry)` for its delivery. */
export function addMessage({ author = "", text, own = false }) {
  const item = byId("message").content.firstElementChild.cloneNode(true);
  const previous = log.lastElementChild;
  const now = new Date();
  item.dataset.author = own ? "" : author;
  item.classList.toggle("own", own);
  item.classList.toggle("jumbo", isEmojiOnly(text));
  item.classList.toggle("follows", previous?.dataset.author === item.dataset.author);
  item.querySelector("bdi").textContent = author;
  item.querySelector(".text").textContent = text;
  item.querySelector("time").dateTime = now.toISOString();
  item.querySelector("time").textContent = clock(now);
  paint(item, author);
  append(item, own);
  return { show: (...delivery) => showDelivery(item, ...delivery) };
}

const DELIVERY_TEXT = { pending: "Waiting", delivered: "Delivered", failed: "Not delivered" };

function showDelivery(item, state, problem = "", retry = null) {
  const stick = isAtBottom();
  item.dataset.delivery = state;
  item.querySelector(".delivery").title = DELIVERY_TEXT[state];
  item.querySelector(".delivery-text").textContent = DELIVERY_TEXT[state];
  const line = item.querySelector(".retry");
  line.hidden = state !== "failed";
  line.querySelector("span").textContent = problem;
  line.querySelector("button").hidden = !retry;
  line.querySelector("button").onclick = retry;
  if (stick) scrollToBottom();
}

export function addNotice(text) {
  const item = byId("notice").content.firstElementChild.cloneNode(true);
  item.querySelector("p").textContent = text;
  append(item, false);
}

function append(item, forceScroll) {
  const stick = forceScroll || isAtBottom();
  byId("empty").hidden = true;
  log.append(item);
  while (log.children.length > MAX_ENTRIES) log.firstElementChild.remove();
  if (stick) scrollToBottom();
  else byId("to-bottom").hidden = false;
  if (document.hidden && item.classList.contains("message")) countUnread();
}

const isAtBottom = () =>
  scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR_BOTTOM;

function scrollToBottom() {
  scroller.scrollTop = scroller.scrollHeight;
}

byId("to-bottom").addEventListener("click", () => {
  scrollToBottom();
  textField.focus();
});
scroller.addEventListener("scroll", () => {
  if (isAtBottom()) byId("to-bottom").hidden = true;
});

let unread = 0;

function countUnread() {
  unread += 1;
  document.title = `(${unread}) ${PAGE_TITLE}`;
}

document.addEventListener("visibilitychange", () => {
  unread = 0;
  document.title = PAGE_TITLE;
});

// ---- typing ----

const typing = new Map(); // name to the timer that ends its notice

export function showTyping(name) {
  clearTimeout(typing.get(name));
  typing.set(name, setTimeout(() => stopTyping(name), TYPING_SHOWN));
  renderTyping();
}

export function stopTyping(name) {
  clearTimeout(typing.get(name));
  typing.delete(name);
  renderTyping();
}

export function stopAllTyping() {
  for (const name of typing.keys()) stopTyping(name);
}

function renderTyping() {
  const names = [...typing.keys()];
  const sentences = [
    "",
    `${names[0]} is typing…`,
    `${names[0]} and ${names[1]} are typing…`,
    "Several people are typing…",
  ];
  byId("typing").classList.toggle("active", names.length > 0);
  byId("typing-text").textContent = sentences[Math.min(names.length, 3)];
}

// ---- composer ----

export function onType(callback) {
  textField.addEventListener("input", () => {
    fitHeight();
    if (textField.value.trim()) callback();
  });
}

export function onSend(callback) {
  const submit = () => {
    const text = wellFormed(textField.value.trim());
    textField.focus();
    if (!text) return;
    textField.value = "";
    fitHeight();
    callback(text);
  };
  byId("composer").addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  textField.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    submit();
  });
}

export function closeComposer() {
  byId("composer").inert = true;
}

function fitHeight() {
  textField.style.height = "auto";
  textField.style.height = `${textField.scrollHeight}px`;
}

// ---- text ----

// Half of a surrogate pair is no valid text for a server.
const wellFormed = (text) => text.toWellFormed?.() ?? text;

const isEmojiOnly = (text) =>
  text.length <= 40 && /^(\p{Extended_Pictographic}|\p{RI}|\p{EMod}|[\u200d\ufe0f\s])+$/u.test(text);

const clock = (date) => date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

/** Gives an element the colour of a name, and its avatar the first character (not code unit). */
function paint(element, name) {
  const hash = [...name].reduce((sum, character) => (sum * 31 + character.codePointAt(0)) % 360, 7);
  element.style.setProperty("--hue", hash);
  const [first = ""] = new Intl.Segmenter().segment(name);
  element.querySelector(".avatar").textContent = (first.segment ?? "").toLocaleUpperCase();
}
