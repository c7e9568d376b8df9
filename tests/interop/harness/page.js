async ({ io, url, options, report, command }) => {
  const socket = new WebSocket(url.replace("http", "ws") + "/ws");
  await new Promise((resolve) => (socket.onopen = resolve));
  await report("open", { text: options.text });
  const { text } = await command("say");
  const reply = new Promise((resolve) => (socket.onmessage = (event) => resolve(event.data)));
  socket.send(text);
  return { reply: await reply, io: typeof io, origin: location.origin };
}
