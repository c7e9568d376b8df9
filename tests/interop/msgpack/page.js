async ({ url }) => {
  // The bundle of the official client that has the MessagePack parser built in.
  const script = document.createElement("script");
  script.src = `${url}/socket.io/socket.io.msgpack.min.js`;
  const loaded = new Promise((resolve, reject) => {
    script.onload = resolve;
    script.onerror = () => reject(new Error("the bundle was not served"));
  });
  document.head.append(script);
  await loaded;
  const io = window.io;
  const MODES = {
    polling: ["polling"],
    websocket: ["websocket"],
    upgrade: ["polling", "websocket"],
  };
  const once = (emitter, event) => new Promise((resolve) => emitter.once(event, resolve));
  const ask = (socket, event, ...args) =>
    new Promise((resolve) => socket.emit(event, ...args, (...values) => resolve(values)));
  const show = (value) =>
    JSON.stringify(value, (_, item) => {
      if (item instanceof ArrayBuffer) return { bytes: Array.from(new Uint8Array(item)) };
      return ArrayBuffer.isView(item) ? { bytes: Array.from(item) } : item;
    });
  const same = (actual, expected) => {
    if (show(actual) !== show(expected)) throw new Error(`${show(actual)}, not ${show(expected)}`);
  };

  async function run(mode) {
    const settings = { path: "/msgpack", transports: MODES[mode], forceNew: true };
    const socket = io(url, settings);
    await once(socket, "connect");
    const bytes = Uint8Array.of(0, 30, 255).buffer; // its library takes a view for a map
    const values = ["é😀", 1, -1.5, 2 ** 40, null, true, [], {}, { a: [bytes, { b: bytes }] }];
    same(await ask(socket, "echo", ...values), values);
    same(await ask(socket, "echo", undefined, new Date(1500)), [null, "1970-01-01T00:00:01.500000+00:00"]);
    socket.on("question", (value, acknowledge) => acknowledge({ value }));
    same(await ask(socket, "ask", bytes), [[{ value: bytes }]]);
    const other = io(`${url}/private`, { ...settings, reconnection: false });
    same((await once(other, "connect_error")).message, "not authorized");
    other.disconnect();
    socket.disconnect();
  }

  const cases = {};
  await Promise.all(
    Object.keys(MODES).map(async (mode) => {
      const late = new Promise((resolve) => setTimeout(resolve, 15_000, "took too long"));
      const done = run(mode).then(() => "passed", (error) => String(error.stack ?? error));
      cases[mode] = await Promise.race([done, late]);
    }),
  );
  return { cases };
}
