// The chat: what goes over the socket. Everything that one sees is in view.js.

import * as view from "./view.js";

const TYPING_INTERVAL = 2000; // milliseconds between two typing notices to the server
const FIRST_DELAY = 1000; // milliseconds before the first attempt to reconnect; then it doubles …
const LONGEST_DELAY = 5000; // … up to this

if (window.io) {
  start();
} else {
  view.showConnection("failed", "The client did not load");
  view.addNotice("Offline? Run “npm install socket.io-client” and start the demo again.");
  view.closeComposer();
}

function start() {
  let name = view.storedName();
  let lastTyping = 0;

  const socket = window.io({
    autoConnect: false, // the name comes first
    auth: (answer) => answer({ name }), // a function: every reconnection sends the current name
    transports: transportsFromAddress(),
    reconnectionDelay: FIRST_DELAY,
    reconnectionDelayMax: LONGEST_DELAY,
    randomizationFactor: 0, // so that the countdown tells the truth; keep the default elsewhere
  });

  showConnectionState(socket);

  socket.on("welcome", ({ name: given, online }) => {
    view.showName(given);
    view.showOnline(online);
  });
  socket.on("joined", ({ name: who, online }) => {
    view.showOnline(online);
    view.addNotice(`${who} joined`);
  });
  socket.on("left", ({ name: who, online }) => {
    view.stopTyping(who);
    view.showOnline(online);
    view.addNotice(`${who} left`);
  });
  socket.on("renamed", ({ from, to }) => {
    view.stopTyping(from);
    view.addNotice(`${from} is now ${to}`);
  });
  socket.on("typing", view.showTyping);
  socket.on("chat message", ({ name: author, text }) => {
    view.stopTyping(author);
    view.addMessage({ author, text });
  });

  socket.on("connect_error", (error) => {
    if (!socket.active) askName(error.message); // the server refused, it is not about the network
  });

  view.onType(() => {
    if (Date.now() - lastTyping < TYPING_INTERVAL) return;
    lastTyping = Date.now();
    socket.volatile.emit("typing"); // volatile: not worth a place in the buffer
  });
  view.onSend((text) => {
    lastTyping = 0;
    send(text, view.addMessage({ text, own: true }));
  });
  view.onRename(() => askName());

  if (name) connect();
  else askName();

  function connect() {
    view.showConnection("connecting", "Connecting…");
    socket.connect();
  }

  // While there is no connection the client keeps the message, and sends it after reconnecting.
  // The promise is rejected when the connection is lost between the message and its answer.
  async function send(text, message) {
    message.show("pending");
    try {
      const { error } = await socket.emitWithAck("chat message", text);
      if (error) message.show("failed", error);
      else message.show("delivered");
    } catch {
      message.show("failed", "Perhaps not delivered.", () => send(text, message));
    }
  }

  async function askName(problem = "") {
    const wanted = await view.askName(name, problem);
    if (!wanted) return;
    name = wanted;
    view.storeName(name);
    if (!socket.connected) {
      view.showName(name);
      connect();
      return;
    }
    try {
      const { error, name: given } = await socket.emitWithAck("rename", name);
      if (error) askName(error);
      else view.showName(given);
    } catch {
      // the connection was lost; the next handshake carries the new name
    }
  }
}

// ?transports=polling shows the chat without WebSocket, ?transports=websocket without polling.
function transportsFromAddress() {
  const wanted = new URLSearchParams(location.search).get("transports");
  return wanted ? wanted.split(",") : ["polling", "websocket"];
}

function showConnectionState(socket) {
  let attempts = 0;
  let lost = false;
  const manager = socket.io;

  socket.on("connect", () => {
    attempts = 0;
    const engine = manager.engine;
    view.showConnection("connected", `Connected via ${engine.transport.name}`);
    engine.on("upgrade", (transport) => {
      view.showConnection("connected", `Connected via ${transport.name}`);
    });
    if (lost) view.addNotice("Reconnected");
    lost = false;
  });
  socket.on("disconnect", (reason) => {
    lost = true;
    view.showOnline(null);
    view.stopAllTyping();
    view.addNotice("Connection lost. Your messages wait until it is back.");
    if (socket.active) countDown();
    else view.showConnection("failed", `Disconnected: ${reason}`);
  });
  socket.on("connect_error", () => {
    if (socket.active) countDown();
    else view.showConnection("failed", "Not connected");
  });
  manager.on("reconnect_attempt", (attempt) => {
    attempts = attempt;
    view.showConnection("connecting", `Reconnecting… attempt ${attempt}`);
  });

  function countDown() {
    const delay = Math.min(FIRST_DELAY * 2 ** attempts, LONGEST_DELAY);
    view.showCountdown(delay, (seconds) => `Offline. Attempt ${attempts + 1} in ${seconds} s`);
  }
}
