async ({ io, url, options }) => {
  // The transport is killed several times, with events emitted meanwhile; in Node and in browsers.
  const MODES = {
    polling: ["polling"],
    websocket: ["websocket"],
    upgrade: ["polling", "websocket"],
  };
  const once = (emitter, event) => new Promise((resolve) => emitter.once(event, resolve));
  const ask = (socket, event, ...args) =>
    new Promise((resolve) => socket.emit(event, ...args, (...values) => resolve(values)));
  const same = (actual, expected, what) => {
    const [left, right] = [JSON.stringify(actual), JSON.stringify(expected)];
    if (left !== right) throw new Error(`${what}: ${left} instead of ${right}`);
  };

  async function open(mode, settings = {}) {
    const socket = io(`${url}/chat`, {
      path: "/recovery",
      transports: MODES[mode],
      forceNew: true,
      reconnection: false,
      ...settings,
    });
    await once(socket, "connect");
    await settle(socket, mode);
    return socket;
  }
  async function settle(socket, mode) {
    const { engine } = socket.io;
    if (mode === "upgrade" && engine.transport.name === "polling") await once(engine, "upgrade");
  }

  const bytes = Uint8Array.of(0, 30, 255);
  const flat = (value) =>
    value instanceof ArrayBuffer || ArrayBuffer.isView(value)
      ? Array.from(new Uint8Array(value.buffer ?? value, value.byteOffset ?? 0, value.byteLength))
      : value;

  async function run(mode, quiet) {
    const room = `${options.name} ${mode} ${quiet}`;
    const other = await open(mode);
    const socket = await open(mode);
    const { id } = socket;
    const heard = [];
    socket.on("said", (...args) => heard.push(args.slice(0, -1).map(flat)));
    const volatile = [];
    socket.on("now", (...args) => volatile.push(args[0]));
    await ask(socket, "join", room);
    const say = (...args) => ask(other, "say", { from: "socket", to: [room] }, ...args);
    const expected = [];
    if (!quiet) {
      await say("before");
      await ask(socket, "nothing");
      expected.push(["before"]);
    }
    for (const round of [1, 2, 3]) {
      const left = once(socket, "disconnect");
      socket.io.engine.close();
      same(await left, "forced close", "reason");
      await ask(other, "departure", id);
      await say("missed", round);
      await say("missed", round, bytes);
      expected.push(["missed", round], ["missed", round, flat(bytes)]);
      let early;
      socket.once("connect", () => (early = [...heard]));
      socket.connect();
      await once(socket, "connect");
      same(early, expected, `events before "connect" in round ${round}`);
      same(socket.recovered, true, `recovered in round ${round}`);
      same(socket.id, id, "id");
      await settle(socket, mode);
      await say("after", round);
      const [rooms] = await ask(socket, "join", room);
      same(rooms, [room, id].sort(), "rooms");
      expected.push(["after", round]);
      same(heard, expected, `events in round ${round}`);
      // A volatile event is the last that comes before the next round, and ends with text.
      await ask(socket, "volatile", "text");
      same(volatile.at(-1), "text", `volatile event in round ${round}`);
    }
    const left = once(socket, "disconnect");
    socket.disconnect();
    await left;
    await say("not for it");
    socket.connect();
    await once(socket, "connect");
    same(socket.recovered, false, "recovered after a deliberate end");
    same(socket.id === id, false, "the same id after a deliberate end");
    await ask(socket, "nothing");
    same(heard, expected, "events in the end");
    socket.disconnect();
    other.disconnect();
  }

  const results = {};
  await Promise.all(
    Object.keys(MODES).flatMap((mode) =>
      [false, true].map(async (quiet) => {
        const late = new Promise((resolve) => setTimeout(resolve, 20_000, "took too long"));
        const done = run(mode, quiet).then(() => "passed", (error) => String(error.stack ?? error));
        results[`${mode}${quiet ? ", nothing received before" : ""}`] = await Promise.race([done, late]);
      }),
    ),
  );
  return { cases: results };
}
