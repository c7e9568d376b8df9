// People with clients of each kind in the chat of several servers; one server may be killed meanwhile.
import { io } from "socket.io-client";
import { command, once, options, report, scenario, url } from "../harness.mjs";

const WAYS = [["polling"], ["polling", "websocket"], ["websocket"]];

class Person {
  constructor(name, transports) {
    this.name = name;
    this.servers = []; // those that it was connected with, in this order
    this.heard = [];
    this.socket = io(url, { transports, forceNew: true, reconnectionDelay: 50, reconnectionDelayMax: 200 });
    this.socket.on("my-name-is", (server) => this.servers.push(server));
    this.socket.on("new message", ({ username, message }) => this.heard.push(`${username}: ${message}`));
  }

  get server() {
    return this.servers.at(-1);
  }

  /** Enter the chat; resolves to the number of people in it. */
  async enter() {
    const login = once(this.socket, "login");
    this.socket.emit("add user", this.name);
    return (await login)[0].numUsers;
  }

  async hears(line) {
    while (!this.heard.includes(line)) await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function talk(people, text) {
  for (const person of people) person.socket.emit("new message", text);
  const lines = people.map(({ name }) => `${name}: ${text}`);
  await Promise.all(
    people.map((person, number) =>
      Promise.all(lines.filter((_, other) => other !== number).map((line) => person.hears(line))),
    ),
  );
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
    const victims = people.filter(({ server }) => server === people[0].server);
    const back = victims.map(({ socket }) => once(socket, "my-name-is"));
    report("ready", { server: people[0].server });
    await command("killed");
    await Promise.all(back);
    counts.push(...(await Promise.all(victims.map((person) => person.enter()))));
    await talk(people, "again");
  }
  const left = once(people[1].socket, "user left");
  people[2].socket.disconnect();
  const [{ username, numUsers }] = await left;
  return { before, after: people.map(({ server }) => server), counts, typed, left: [username, numUsers] };
});
