// The pages with a session, in frames: two tabs of one browser.
async ({ io, options }) => {
  const until = async (condition) => {
    while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
  };
  const $ = (tab, selector) => tab.contentDocument.querySelector(selector);
  const path = ({ contentWindow: { location } }) => location.pathname + location.hash;
  const open = (address) => {
    const frame = document.createElement("iframe");
    frame.src = address;
    document.body.append(frame);
    return frame;
  };
  const logIn = async (tab, password) => {
    await until(() => $(tab, "[name=password]"));
    $(tab, "[name=username]").value = "john";
    $(tab, "[name=password]").value = password;
    $(tab, "form").requestSubmit();
  };
  const visible = (element) => element && getComputedStyle(element).display !== "none";
  const refusal = async (transport) => {
    const socket = io({ transports: [transport], forceNew: true });
    const error = await new Promise((resolve) => socket.once("connect_error", resolve));
    socket.close();
    return error.message;
  };
  const refused = async () => [
    await refusal("polling"),
    await refusal("websocket"),
    (await fetch("/incr", { method: "POST" })).status,
  ];
  const shown = (tab, selector, text) => until(() => $(tab, selector)?.textContent === text);
  const results = { before: await refused() };

  if (options.expires) {
    const body = new URLSearchParams({ username: "john", password: "changeit" });
    await fetch("/login", { method: "POST", body });
    const socket = io({ forceNew: true });
    // A session that ends before its connection is there is begun again.
    socket.on("connect_error", async () => {
      await fetch("/login", { method: "POST", body });
      socket.connect();
    });
    const ended = new Promise((resolve) => socket.once("disconnect", resolve));
    await new Promise((resolve) => socket.once("connect", resolve));
    socket.off("connect_error");
    while (socket.connected) {
      socket.emit("whoami");
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return { ...results, ended: await ended, after: await refused() };
  }
  const first = open("/");
  await until(() => path(first) === "/login");
  await logIn(first, "guess");
  await until(() => path(first) === "/login#wrong" && visible($(first, "#wrong")));
  await logIn(first, "changeit");
  await until(() => path(first) === "/");
  const second = open("/login");
  for (const tab of [first, second]) {
    await shown(tab, "#name", "john");
    await shown(tab, "#status", "connected");
  }
  const socket = io({ transports: ["websocket"], forceNew: true });
  results.websocket = await socket.timeout(10_000).emitWithAck("whoami");

  // The answer to the first request comes after all events.
  const { fetch: request } = first.contentWindow;
  let deliver;
  const delayed = new Promise((resolve) => (deliver = resolve));
  const answered = new Promise((resolve) => {
    first.contentWindow.fetch = async (...what) => {
      const response = await request(...what);
      await delayed;
      setTimeout(resolve, 50);
      return response;
    };
  });
  $(first, "#request").click();
  for (const tab of [first, second]) await shown(tab, "#count", "1");
  $(second, "#event").click();
  for (const tab of [first, second]) await shown(tab, "#count", "2");
  deliver();
  await answered;
  results.count = $(first, "#count").textContent;
  const gone = new Promise((resolve) => socket.once("disconnect", resolve));
  $(first, "form").requestSubmit();
  for (const tab of [first, second]) await until(() => path(tab) === "/login");
  await gone;
  return { ...results, after: await refused() };
}
