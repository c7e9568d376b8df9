// Two people in the chat of examples/fastapi_app.py, with the official client. It is started in the
// folder tests/interop, where the packages are.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const { once, options, scenario, sleep, url } = await import(
  pathToFileURL(join(process.cwd(), "harness.mjs"))
);
const { io } = createRequire(join(process.cwd(), "package.json"))("socket.io-client");

const PASSWORD = "correct horse";

async function post(path, body, token) {
  const headers = { "Content-Type": "application/json" };
  if (token) headers.Authorization = `Bearer ${token}`;
  const response = await fetch(url + path, {
    method: "POST",
    headers,
    body: body && JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() };
}

async function logIn(name) {
  const body = new URLSearchParams({ username: name, password: PASSWORD });
  const response = await fetch(url + "/token", { method: "POST", body });
  return (await response.json()).access_token;
}

function open(token) {
  const auth = token ? { token } : {};
  return io(url, { auth, transports: [options.transport], forceNew: true, reconnection: false });
}

async function enter(name) {
  const { status, body } = await post("/accounts", { name, password: PASSWORD });
  assert.equal(status, 201);
  const socket = open(body.access_token);
  await once(socket, "connect");
  return socket;
}

async function chat() {
  const stranger = open();
  const [refused] = await once(stranger, "connect_error");
  assert.equal(refused.message, "unauthorized");

  const alice = await enter("alice");
  const bob = await enter("bob");
  const sockets = [stranger, alice, bob];

  // Rooms
  assert.deepEqual(await alice.emitWithAck("join", "lobby"), []);
  const joined = once(alice, "joined");
  assert.deepEqual(await bob.emitWithAck("join", "lobby"), []);
  assert.deepEqual(await joined, [{ room: "lobby", name: "bob" }]);

  // A declared error
  const carol = await enter("carol");
  sockets.push(carol);
  const full = await carol.emitWithAck("join", "lobby");
  assert.deepEqual(full.error, {
    code: "room_full",
    message: "there is no place left",
    details: { limit: 2 },
  });

  // A validated event
  const invalid = await alice.emitWithAck("say", { room: "lobby", text: "" });
  assert.equal(invalid.error.code, "validation");
  assert.deepEqual(invalid.error.details[0].loc, ["message", "text"]);
  const outside = await carol.emitWithAck("say", { room: "lobby", text: "hello" });
  assert.equal(outside.error.code, "not_in_room");

  // A session for each event: what was refused is not kept
  const heard = once(bob, "message");
  const said = await alice.emitWithAck("say", { room: "lobby", text: "hello" });
  assert.deepEqual(said, { id: 1, room: "lobby", author: "alice", text: "hello" });
  assert.deepEqual(await heard, [said]);
  const count = await fetch(url + "/rooms/lobby/messages/count");
  assert.equal(await count.json(), 1);

  // A route that broadcasts
  const announced = once(bob, "announcement");
  const token = await logIn("alice");
  const answer = await post("/rooms/lobby/announcements?text=lunch", undefined, token);
  assert.equal(answer.status, 202);
  assert.deepEqual(await announced, [{ room: "lobby", by: "alice", text: "lunch" }]);
  assert.equal((await post("/rooms/lobby/announcements?text=lunch")).status, 401);

  for (const socket of sockets) socket.close();
}

const isUnauthorized = (answer) => answer?.error?.code === "unauthorized";

/** Renew the token until an event is answered with it: it may expire before it is used. */
async function withNewToken(socket, ...event) {
  for (;;) {
    const renewed = await socket.emitWithAck("renew", await logIn("alice"));
    if (isUnauthorized(renewed)) continue;
    assert.equal(renewed, undefined);
    const answer = await socket.emitWithAck(...event);
    if (!isUnauthorized(answer)) return answer;
  }
}

/** Connect with a token, and with another one if it expires before. */
async function comeIn(token) {
  const socket = open(token);
  const error = await new Promise((resolve) => {
    socket.once("connect", resolve);
    socket.once("connect_error", resolve);
  });
  return error ? comeIn(await logIn("alice")) : socket;
}

/** A token that expires while the client is connected, and a new one. */
async function expiry() {
  const { body } = await post("/accounts", { name: "alice", password: PASSWORD });
  const alice = await comeIn(body.access_token);
  assert.deepEqual(await withNewToken(alice, "join", "lobby"), []);
  let late = {};
  while (!late.error) {
    await sleep(50);
    late = await alice.emitWithAck("say", { room: "lobby", text: "in time" });
  }
  assert.equal(late.error.code, "unauthorized");
  assert.equal(late.error.message, "the token has expired");
  assert.ok(isUnauthorized(await alice.emitWithAck("renew", "made up")));
  const said = await withNewToken(alice, "say", { room: "lobby", text: "again" });
  assert.equal(said.author, "alice");
  alice.close();
}

await scenario(async () => {
  await { chat, expiry }[options.run]();
  return {};
});
