// What a server of the CRUD example answers, and tells others; ids that it has made are "ID" here.
import { io } from "socket.io-client";
import { once, scenario, sleep, url } from "../harness.mjs";

const ID = "254dbf85-f5b9-4675-b913-acab5d600884";
const ids = new Map();

const name = (value) =>
  JSON.parse(
    JSON.stringify(value, (_, item) => (ids.has(item) ? ids.get(item) : item)) ?? "null",
  );

const payloads = [
  {},
  null,
  5,
  [],
  { title: "tea", completed: "TRUE", more: 1 },
  { title: "tea", completed: "yes" },
  { title: "tea", completed: 1 },
  { title: "tea", completed: null },
  { title: null, completed: true },
  { title: 5, completed: true },
  { title: "", completed: true },
  { title: "x".repeat(256), completed: false },
  { title: "x".repeat(257), completed: false },
  { title: "\u{1f375}".repeat(128), completed: false },
  { title: "\u{1f375}".repeat(129), completed: false },
  ...[
    ID,
    ID.toUpperCase(),
    ID.replaceAll("-", ""),
    ID.replaceAll("-", ":"),
    `{${ID}}`,
    `[${ID}]`,
    `{${ID}]`,
    `{${ID}`,
    `${ID}\n`,
    ID.replace("4675", "1675"),
    ID.replace("b913", "c913"),
    "",
    null,
    5,
  ].map((id) => ({ id, title: "coffee", completed: false })),
];

await scenario(async () => {
  const [socket, other] = [io(url, { forceNew: true }), io(url, { forceNew: true })];
  await Promise.all([once(socket, "connect"), once(other, "connect")]);
  const ask = (...args) => socket.timeout(10_000).emitWithAck(...args);
  const told = [];
  other.onAny((...args) => told.push(args));

  const answers = [];
  for (const payload of payloads) {
    const answer = await ask("todo:create", payload);
    if (answer.data) ids.set(answer.data, "ID");
    answers.push(name(answer));
    answers.push(await ask("todo:update", payload));
  }
  const [made] = ids.keys();
  for (const id of [made, ID, ID.toUpperCase(), `{${ID}}`, "123", "", null, 5, {}, []]) {
    answers.push(name(await ask("todo:read", id)));
  }
  answers.push(name(await ask("todo:list")));
  for (const id of [made, made, ID, "123", null, {}]) answers.push(await ask("todo:delete", id));
  answers.push(name(await ask("todo:list")));
  // Events and answers go different ways: an event of our own, when all others have arrived.
  const last = await ask("todo:create", { title: "last", completed: true });
  ids.set(last.data, "LAST");
  while (told.at(-1)?.[1]?.id !== last.data) await sleep(10);
  for (const each of [socket, other]) each.close();
  return { answers: answers.map((answer) => answer ?? null), told: told.map(name) };
});
