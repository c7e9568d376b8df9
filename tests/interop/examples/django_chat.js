// The example with Django, in a page of its own: logging in by a view, with its CSRF token.
async ({ options, report, command }) => {
  const cookie = (name) => document.cookie.match(new RegExp(`${name}=([^;]*)`))?.[1];
  const post = (path, data) =>
    fetch(path, {
      method: "POST",
      headers: { "X-CSRFToken": cookie("csrftoken") },
      body: new URLSearchParams(data),
    });
  const once = (socket, event) => new Promise((resolve) => socket.once(event, resolve));
  const connect = async (transports) => {
    const socket = io({ transports, forceNew: true });
    await once(socket, "connect");
    return socket;
  };
  const results = {};

  socket.connect(); // that of the page
  results.refused = (await once(socket, "connect_error")).message;
  results.wrong = (await post("login", { name: "ann", password: "guess" })).status;
  results.login = await (await post("login", { name: "ann", password: "secret" })).text();

  socket.connect();
  await once(socket, "connect");
  const polling = await connect(["polling"]);
  const websocket = await connect(["websocket"]);
  const ask = (socket, ...args) => socket.timeout(10_000).emitWithAck(...args);
  results.early = await ask(polling, "say", "tea", "hello");
  results.history = await ask(polling, "join", "tea");
  await ask(websocket, "join", "tea");
  await ask(socket, "join", "tea");
  const said = once(websocket, "said");
  const shown = once(socket, "said");
  results.saved = await ask(polling, "say", "tea", "hello");
  results.said = await said;
  await shown;
  results.page = document.querySelector("li").textContent;
  results.later = await ask(websocket, "join", "tea");
  results.invalid = [
    await ask(polling, "say", "tea"),
    await ask(websocket, "say", "tea", 5),
    await ask(websocket, "say", "tea", ""),
  ];
  const heard = Promise.all([polling, websocket].map((item) => once(item, "announcement")));
  results.announced = await (await post("announce", { text: "closing" })).json();
  results.heard = await heard;
  const gone = Promise.all([polling, websocket].map((item) => once(item, "disconnect")));
  await post("logout", {});
  results.gone = await gone;
  return results;
}
