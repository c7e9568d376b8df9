// The chats of the examples, which differ in their frameworks alone.
import { io } from "socket.io-client";
import { once, scenario, url } from "../harness.mjs";

async function post(path, data, cookie = "") {
  const headers = { "Content-Type": "application/json", Cookie: cookie };
  return await fetch(url + path, { method: "POST", headers, body: JSON.stringify(data) });
}

async function logIn(name) {
  const response = await post("/login", { name });
  const cookie = response.headers.getSetCookie()[0].split(";")[0];
  return { greeting: await response.text(), cookie };
}

async function connect(cookie, transport) {
  const extraHeaders = { Cookie: cookie };
  const socket = io(url, { transports: [transport], extraHeaders, forceNew: true });
  await once(socket, "connect");
  return socket;
}

const ask = (socket, ...args) => socket.timeout(10_000).emitWithAck(...args);

await scenario(async () => {
  const results = {};
  const stranger = io(url, { forceNew: true });
  const [error] = await once(stranger, "connect_error");
  results.refused = error.message;
  results.forbidden = (await post("/announce", { text: "no" })).status;

  const ann = await logIn("ann");
  const bob = await logIn("bob");
  results.greeting = ann.greeting;
  const first = await connect(ann.cookie, "polling");
  const second = await connect(bob.cookie, "websocket");

  results.early = await ask(first, "say", { room: "tea", text: "hello" });
  results.alone = await ask(first, "join", "tea");
  const joined = once(first, "joined");
  results.both = await ask(second, "join", "tea");
  results.joined = await joined;

  const said = once(second, "said");
  results.delivered = await ask(first, "say", { room: "tea", text: "hello" });
  results.said = await said;

  results.invalid = [];
  for (const socket of [first, second]) {
    results.invalid.push(await ask(socket, "say", { room: "tea", text: 5 }));
    results.invalid.push(await ask(socket, "say", { room: "tea" }));
    results.invalid.push(await ask(socket, "say"));
    results.invalid.push(await ask(socket, "join", null));
  }

  const heard = Promise.all([first, second].map((socket) => once(socket, "announcement")));
  const response = await post("/announce", { text: "closing" }, ann.cookie);
  results.announced = await response.json();
  results.heard = await heard;
  for (const socket of [first, second, stranger]) socket.disconnect();
  return results;
});
