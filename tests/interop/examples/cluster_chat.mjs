// People with clients of each kind in the chat of several servers; one server may be killed meanwhile.
import { io } from "socket.io-client";
import { command, once, options, report, scenario, sleep, url } from "../harness.mjs";

const WAYS = [["polling"], ["polling", "websocket"], ["websocket"]];

class Person {
  constructor(name, transports) {
    this.name = name;
    this.servers = []; // those that it was connected with, in this order
    this.counts = []; // the people in the chat, each time that it has entered
    this.heard = [];
    this.left = new Map(); // who has left, and how many were there then
    this.socket = io(url, { transports, forceNew: true, reconnectionDelay: 50, reconnectionDelayMax: 200 });
    this.socket.on("my-name-is", (server) => this.servers.push(server));
    this.socket.on("login", ({ numUsers }) => this.counts.push(numUsers));
    this.socket.on("new message", ({ username, message }) => this.heard.push(`${username}: ${message}`));
    this.socket.on("user left", ({ username, numUsers }) => this.left.set(username, numUsers));
  }

  get server() {
    return this.servers.at(-1);
  }

  /** Enter the chat, now and after each connection that is lost, as the page does; resolves to the number of people. */
  async enter() {
    const say = () => this.socket.emit("add user", this.name);
    say();
    this.socket.on("disconnect", say);
    await until(() => this.counts.length > 0);
    return this.counts[0];
  }

  leave() {
    this.socket.off("disconnect").disconnect();
  }

  hears(line) {
    return this.heard.includes(line);
  }
}

async function until(condition) {
  while (!condition()) await sleep(10);
}

/** Say something once; all hear it, whose connections hold. */
async function talk(people, text) {
  for (const { socket } of people) socket.emit("new message", text);
  await until(() => isHeard(people, text));
}

/** Say something until all have heard it: connections are lost and made meanwhile. */
async function insist(people, text) {
  while (!isHeard(people, text)) {
    for (const { socket } of people) socket.emit("new message", text);
    await sleep(100);
  }
}

function isHeard(people, text) {
  return people.every((person) =>
    people.every(({ name }) => name === person.name || person.hears(`${name}: ${text}`)),
  );
}

/**
 * Wait until exactly these people are in the chat: one whose request or WebSocket was with the server that was killed,
 * and whose session was not, has another session by now, and the old one ends when that server is missed.
 */
async function settle(people) {
  for (let number = 0, count; count !== people.length; number += 1) {
    const guest = new Person(`guest ${number}`, ["websocket"]);
    count = (await guest.enter()) - 1;
    guest.leave();
    await until(() => people.every(({ left }) => left.has(guest.name)));
  }
  return people.length;
}

await scenario(async () => {
  const people = WAYS.map((transports, number) => new Person(`person ${number}`, transports));
  await Promise.all(people.map(({ socket }) => once(socket, "my-name-is")));
  const counts = [];
  for (const person of people) counts.push(await person.enter());
  await talk(people, "hello");
  const typing = once(people[2].socket, "typing");
  people[0].socket.emit("typing");
  const [{ username: typed }] = await typing;
  const before = people.map(({ server }) => server);

  if (options.kill) {
    const killed = people[0].server;
    report("ready", { server: killed });
    await command("killed");
    await until(() => people.every(({ server }) => server !== killed));
    await insist(people, "again");
    counts.push(await settle(people));
  }
  const after = people.map(({ server }) => server);
  const [, second, last] = people;
  last.leave();
  await until(() => second.left.has(last.name));
  for (const person of people) person.leave();
  return { before, after, counts, typed, left: [last.name, second.left.get(last.name)] };
});
