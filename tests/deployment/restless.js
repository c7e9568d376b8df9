// A page that connects again and again, as one does whose sessions are lost, until it is told to end.
async ({ io, url, report, command }) => {
  const socket = io(url, { reconnectionDelay: 20, reconnectionDelayMax: 50 });
  socket.on("connect", () => setTimeout(() => socket.io.engine.close(), 50));
  await report("started");
  await command("finish");
  socket.disconnect();
  return {};
};
