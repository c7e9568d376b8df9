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
  const until = async (condition) => {
    while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
  };
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
  await until(() => !document.querySelector("#chat").hidden); // and has the history of its room
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
  results.page = document.querySelector("li:last-child").textContent;
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

  // The page by itself, as its users do.
  const open = async () => {
    const frame = document.createElement("iframe");
    frame.src = "/";
    document.body.append(frame);
    await new Promise((resolve) => (frame.onload = resolve));
    return frame.contentDocument;
  };
  const lines = (page) => [...page.querySelectorAll("li")].map((item) => item.textContent);
  const page = await open();
  page.querySelector("[name=name]").value = "ann";
  page.querySelector("[name=password]").value = "secret";
  page.querySelector("#login").requestSubmit();
  await until(() => !page.querySelector("#chat").hidden);
  page.querySelector("#say input").value = "in the lobby";
  page.querySelector("#say").requestSubmit();
  await until(() => lines(page).length === 1);
  results.history_of_the_lobby = lines(page);
  const again = await open();
  await until(() => lines(again).length === 1);
  results.reloaded = lines(again);
  again.querySelector("#logout").click();
  await until(() => [page, again].every((each) => each.querySelector("#chat").hidden));
  return results;
}
