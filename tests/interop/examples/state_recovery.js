// The page of connection state recovery: it loses its connection, and gets what it has missed.
async () => {
  const until = async (condition) => {
    while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
  };
  const text = (id) => document.getElementById(id).textContent;
  const times = () => [...document.querySelectorAll("li")].map((item) => item.textContent);
  const state = async () => {
    await until(() => text("status") === "connected" && text("since") !== "-" && times().length);
    return { socket: text("socket"), since: text("since"), recovered: text("recovered") };
  };
  const before = await state();
  document.querySelector("button").click();
  await until(() => text("status") === "disconnected");
  return { states: [before, await state()], times: times().reverse() };
}
