async ({ url }) => {
  // Each bundle of the official client as browsers load it; a minifier renamed the mark of binary
  // values in three of them.
  const BUNDLES = [
    "sio480/socket.io.esm.min.js",
    "sio480/socket.io.min.js",
    "sio480/socket.io.js",
    "sio481/socket.io.esm.min.js",
    "sio481/socket.io.min.js",
    "socket.io-client/socket.io.esm.min.js",
  ];
  const MODES = {
    polling: ["polling"],
    websocket: ["websocket"],
    upgrade: ["polling", "websocket"],
  };

  async function load(bundle) {
    const address = `${url}/${bundle}`;
    if (bundle.includes(".esm.")) return (await import(address)).io;
    const script = document.createElement("script");
    script.src = address;
    const loaded = new Promise((resolve, reject) => {
      script.onload = resolve;
      script.onerror = () => reject(new Error(`${bundle} was not served`));
    });
    document.head.append(script);
    await loaded;
    return window.io;
  }

  const same = (actual, expected) => {
    const [one, two] = [actual, expected].map((value) => JSON.stringify(value));
    if (one !== two) throw new Error(`${one}, not ${two}`);
  };
  const once = (emitter, event) => new Promise((resolve) => emitter.once(event, resolve));

  async function run(io, transports) {
    const socket = io(url, { transports, forceNew: true, reconnection: false });
    const lost = once(socket, "disconnect").then((reason) => Promise.reject(new Error(reason)));
    const ask = (event, ...args) =>
      Promise.race([new Promise((resolve) => socket.emit(event, ...args, resolve)), lost]);
    await once(socket, "connect");
    const bytes = Uint8Array.of(0, 30, 255);
    same(await ask("describe", bytes), ["bytes 001eff"]);
    const rest = { it: true, num: 1, list: [true, { et: null, num: 0 }] };
    same(await ask("describe", { deep: [bytes.buffer, rest], more: new Blob(["b"]) }, bytes), [
      { deep: ["bytes 001eff", rest], more: "bytes 62" },
      "bytes 001eff",
    ]);
    const data = { it: true, num: 0 };
    same(await ask("describe", data, { et: true, num: 0 }), [data, { et: true, num: 0 }]);
    const ten = Array.from({ length: 10 }, (_, number) => Uint8Array.of(number));
    same(await ask("describe", ...ten), Array.from(ten, ([number]) => `bytes 0${number}`));
    socket.on("question", (acknowledge) => acknowledge({ answer: [bytes] }));
    same(await ask("ask"), { answer: ["bytes 001eff"] });
    same(await ask("describe", "still there"), ["still there"]);
    socket.off("disconnect");
    socket.disconnect();
  }

  const cases = {};
  for (const bundle of BUNDLES) {
    const io = await load(bundle);
    await Promise.all(
      Object.entries(MODES).map(async ([mode, transports]) => {
        const late = new Promise((resolve) => setTimeout(resolve, 15_000, "took too long"));
        const done = run(io, transports).then(
          () => "passed",
          (error) => String(error.stack ?? error),
        );
        cases[`${bundle} (${mode})`] = await Promise.race([done, late]);
      }),
    );
  }
  return { cases };
}
