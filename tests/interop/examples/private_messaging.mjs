// Two users on one or two servers: messages, presence, and coming back.
import { io } from "socket.io-client";
import { once, options, scenario, url } from "../harness.mjs";

const ask = (socket, ...args) => socket.timeout(10_000).emitWithAck(...args);
const sockets = [];

async function enter(server, auth) {
  const socket = io(server, { auth, forceNew: true });
  sockets.push(socket);
  const answers = [once(socket, "session"), once(socket, "users")];
  const [[session], [users]] = await Promise.all(answers);
  return { socket, session, users, id: session.userID };
}

async function refusal(auth) {
  const socket = io(url, { auth, forceNew: true });
  const [error] = await once(socket, "connect_error");
  socket.close();
  return error.message;
}

const brief = (users) =>
  Object.fromEntries(
    users.map(({ username, connected, messages }) => [
      username,
      [connected, messages.map(({ content }) => content)],
    ]),
  );

await scenario(async () => {
  const results = {};
  const second = options.second ?? url;
  results.refused = [
    await refusal({}),
    await refusal({ username: " " }),
    await refusal({ username: 5 }),
    await refusal({ sessionID: "guessed" }),
    await refusal({ sessionID: { a: 1 } }),
  ];
  const ann = await enter(url, { username: "Ann" });
  const appeared = once(ann.socket, "user connected");
  const bob = await enter(second, { username: "Bob" });
  const [{ userID, ...news }] = await appeared;
  results.appeared = { same: userID === bob.id, ...news };
  results.seen = brief(bob.users);
  const tab = await enter(second, { sessionID: ann.session.sessionID });
  const eve = await enter(url, { username: "Eve" });
  const overheard = [];
  eve.socket.on("private message", (message) => overheard.push(message));

  const heard = Promise.all([bob, tab].map(({ socket }) => once(socket, "private message")));
  const sent = await ask(ann.socket, "private message", { content: "hello", to: bob.id });
  results.sent = { content: sent.content, right: sent.from === ann.id && sent.to === bob.id };
  results.heard = (await heard).map(([message]) => message.id === sent.id);
  results.invalid = [
    await ask(ann.socket, "private message", { content: "", to: bob.id }),
    await ask(ann.socket, "private message", { content: "hello" }),
    await ask(ann.socket, "private message", { content: "hello", to: "nobody" }),
    await ask(ann.socket, "private message", { content: "hello", to: eve.socket.id }),
  ].map(({ error }) => error.code);

  // Bob is away: Ann writes, and Bob finds it on the other server.
  const gone = once(ann.socket, "user disconnected");
  bob.socket.close();
  results.gone = (await gone)[0] === bob.id;
  await ask(ann.socket, "private message", { content: "are you there?", to: bob.id });
  const back = await enter(url, { sessionID: bob.session.sessionID });
  results.same = back.id === bob.id;
  results.back = brief(back.users);

  // Ann closes one of two tabs, and is still there; then the other one.
  const left = once(back.socket, "user disconnected");
  ann.socket.close();
  const check = await enter(second, { username: "Check" });
  results.still = brief(check.users).Ann[0];
  tab.socket.close();
  results.left = (await left)[0] === ann.id;
  results.overheard = overheard;
  for (const socket of sockets) socket.close();
  results.bob = bob.session;
  return results;
});
