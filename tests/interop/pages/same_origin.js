async ({ io, options }) => {
  // A page of the server itself, with each transport.
  const { VALUES, BROKEN_TEXTS } = await import("/values.mjs");
  const MODES = {
    polling: ["polling"],
    websocket: ["websocket"],
    upgrade: ["polling", "websocket"],
  };
  const BYTES = Uint8Array.from({ length: 256 }, (_, index) => index);
  const once = (emitter, event) => new Promise((resolve) => emitter.once(event, resolve));

  /** JSON with bytes as {bytes: [...]}, to compare values by. */
  const show = (value) =>
    JSON.stringify(value, (_, item) => {
      if (item instanceof ArrayBuffer) return { bytes: Array.from(new Uint8Array(item)) };
      return ArrayBuffer.isView(item) ? { bytes: Array.from(item) } : item;
    });
  const equal = (actual, expected) => {
    if (show(actual) !== show(expected)) {
      throw new Error(`${show(actual).slice(0, 300)} instead of ${show(expected).slice(0, 300)}`);
    }
  };

  function connect(mode, namespace = "/", settings = {}) {
    return connected(mode, io(namespace, { forceNew: true, transports: MODES[mode], ...settings }));
  }

  /** Wait until a socket is connected, and with "upgrade" until it is on its last transport. */
  async function connected(mode, socket) {
    await new Promise((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("connect_error", reject);
    });
    if (mode === "upgrade" && socket.io.engine.transport.name === "polling") {
      await once(socket.io.engine, "upgrade");
    }
    return socket;
  }
  const ask = (socket, event, ...args) =>
    new Promise((resolve) => socket.emit(event, ...args, (...values) => resolve(values)));

  const cases = {
    async "auth and cookies"(mode) {
      const socket = await connect(mode, "/private", { auth: (use) => use({ token: "secret" }) });
      const [self] = await ask(socket, "whoami");
      equal(self.auth, { token: "secret" });
      equal(self.headers.cookie.includes("user=ann"), true);
      return socket;
    },

    async "JSON values"(mode) {
      const socket = await connect(mode);
      equal(await ask(socket, "echo", ...VALUES, ...BROKEN_TEXTS), [...VALUES, ...BROKEN_TEXTS]);
      return socket;
    },

    async "binary values"(mode) {
      const socket = await connect(mode);
      const blob = new Blob([BYTES, "é"], { type: "text/plain" });
      const file = new File([BYTES.slice(0, 3)], "name.bin");
      const sent = [BYTES, { a: [BYTES.buffer.slice(2, 4)] }, blob, [[{ file }]], new Blob([])];
      const echo = new Promise((resolve) => socket.once("echo", (...values) => resolve(values)));
      const answer = ask(socket, "echo", ...sent);
      const expected = [
        BYTES,
        { a: [BYTES.slice(2, 4)] },
        Uint8Array.from([...BYTES, 0xc3, 0xa9]),
        [[{ file: BYTES.slice(0, 3) }]],
        new Uint8Array(),
      ];
      equal(await answer, expected);
      equal(await echo, expected);
      return socket;
    },

    async "a question by the server"(mode) {
      const socket = await connect(mode);
      socket.on("question", (value, acknowledge) => acknowledge({ value, blob: new Blob(["é"]) }));
      equal(await ask(socket, "ask", BYTES), [[{ value: BYTES, blob: Uint8Array.of(0xc3, 0xa9) }]]);
      return socket;
    },

    async "large messages"(mode) {
      const socket = await connect(mode);
      const text = "€".repeat(300_000);
      equal((await ask(socket, "echo", text))[0] === text, true);
      return socket;
    },

    async "a disconnect by the server"(mode) {
      const socket = await connect(mode);
      socket.emit("drop me");
      equal(await once(socket, "disconnect"), "io server disconnect");
      return socket;
    },

    async "a cookie of the server"(mode) {
      if (mode !== "upgrade") return connect(mode); // one alone: they all share the cookie
      const socket = await connect(mode, "/", { path: "/cookies" });
      const [cookies] = await ask(socket, "cookies");
      equal(cookies.some((cookie) => cookie?.includes(socket.io.engine.id)), true);
      equal(document.cookie.includes("balance"), false); // HttpOnly
      return socket;
    },

    async "two tabs"(mode) {
      const tab = window.open("/");
      await new Promise((resolve) => tab.addEventListener("load", resolve));
      const script = tab.document.createElement("script");
      script.src = "/socket.io/socket.io.min.js";
      const loaded = new Promise((resolve) => (script.onload = resolve));
      tab.document.head.append(script);
      await loaded;

      const here = await connect(mode, "/chat");
      const there = await connected(mode, tab.io("/chat", { transports: MODES[mode] }));
      const room = `tabs ${mode}`;
      await ask(here, "join", room);
      await ask(there, "join", room);
      const heardThere = once(there, "said");
      here.emit("say", { from: "socket", to: [room] }, "hello, tab");
      equal(await heardThere, "hello, tab");
      const heardHere = once(here, "said");
      there.emit("say", { from: "socket", to: [room] }, "hello, page");
      equal(await heardHere, "hello, page");

      const { id } = there;
      tab.close();
      const [{ disconnect }] = await ask(here, "departure", id);
      equal(["transport close", "transport error"].includes(disconnect), true);
      return here;
    },
  };

  const results = {};
  const outcome = async (run, mode) => {
    try {
      (await run(mode)).disconnect();
      return "passed";
    } catch (error) {
      return String(error.stack ?? error);
    }
  };
  await Promise.all(
    Object.keys(MODES).map(async (mode) => {
      for (const [name, run] of Object.entries(cases)) {
        const late = new Promise((resolve) => setTimeout(resolve, 15_000, "took too long"));
        results[`${name} (${mode})`] = await Promise.race([outcome(run, mode), late]);
      }
    }),
  );
  const polls = performance
    .getEntriesByType("resource")
    .filter(({ name }) => name.includes("transport=polling"));
  const compressed = polls.filter((poll) => poll.encodedBodySize < poll.decodedBodySize / 2);
  return { cases: results, compressed: compressed.length };
}
