async ({ io, url, options }) => {
  // A page of another origin: what it may do is up to the `cors` option of each server.
  const MODES = {
    polling: ["polling"],
    websocket: ["websocket"],
    upgrade: ["polling", "websocket"],
  };

  /** What comes of a connection: the error, or the headers that the server saw. */
  function attempt(path, transports, settings = {}) {
    return new Promise((resolve) => {
      const socket = io(url, { forceNew: true, reconnection: false, path, transports, ...settings });
      const settle = (result) => {
        socket.disconnect();
        resolve(result);
      };
      setTimeout(settle, 10_000, { error: "took too long" });
      socket.on("connect_error", (error) => settle({ error: error.message }));
      socket.on("connect", async () => {
        const { engine } = socket.io;
        if (transports.length > 1 && engine.transport.name === "polling") {
          await new Promise((done) => engine.once("upgrade", done));
        }
        const { headers, transport } = await socket.emitWithAck("whoami");
        settle({ headers, transport });
      });
    });
  }

  const results = {};
  await Promise.all(
    Object.entries(MODES).flatMap(([mode, transports]) =>
      Object.entries(options.attempts).map(async ([name, { path, settings }]) => {
        results[name] ??= {};
        results[name][mode] = await attempt(path, transports, settings);
      }),
    ),
  );
  return { results, origin: location.origin };
}
