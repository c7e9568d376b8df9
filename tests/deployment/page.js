// A page that connects in each way; "options.path" is for pages that need another one.
async ({ io, url, options }) => {
  const found = {};
  for (const transports of [["polling", "websocket"], ["polling"], ["websocket"]]) {
    const socket = io(url, { transports, forceNew: true, reconnection: false, ...options.client });
    await new Promise((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("connect_error", (error) => reject(new Error(`${transports}: ${error}`)));
    });
    const { engine } = socket.io;
    if (transports.length > 1 && options.upgrades && engine.transport.name === "polling") {
      await new Promise((resolve) => engine.once("upgrade", resolve));
    }
    const processes = [];
    for (let i = 0; i < 3; i++) processes.push(await socket.timeout(5000).emitWithAck("process"));
    found[transports] = { transport: engine.transport.name, processes };
    socket.disconnect();
  }
  return { found, origin: location.origin };
};
